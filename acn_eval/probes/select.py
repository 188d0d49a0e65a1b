"""Fits a protocol's probe on training features and chooses its penalty on validation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from acn_eval.errors import DataError
from acn_eval.probes.features import Features, Train, Validation, held_out, merged, require
from acn_eval.probes.logistic import logistic_path
from acn_eval.probes.probe import LinearProbe, Neighbors, Probe, Scaling, accuracy
from acn_eval.probes.protocol import Protocol
from acn_eval.probes.solvers import ridge_path

__all__ = ["Selected", "fit", "select"]


@dataclass(frozen=True)
class Selected:
    """A probe whose penalty was chosen on validation.

    Attributes:
        validation: accuracy there, of the probe that was fitted on train alone.
        validation_n: number of validation images.
        penalty: the chosen one; None where the protocol has none.
        converged: whether the solver of the reported probe did.
        unconverged: how many of the sweep did not.
        edge: whether the chosen penalty is the first or last of several that are not all alike.
    """

    probe: Probe
    validation: float
    validation_n: int
    penalty: float | None = None
    converged: bool = True
    unconverged: int = 0
    edge: bool = False


def fit(
    protocol: Protocol, train: Features[Train], penalties: Sequence[float], device: torch.device
) -> list[LinearProbe]:
    """Fit one linear probe per penalty.

    On a CPU this takes one thread, so that the last digits do not depend on the number of cores.
    So it does where the device is ``mps``, which has no float64.

    Raises:
        DataError: all training images have the same class.
    """
    require(Train, train)
    scaling = Scaling.of(protocol.scale, train.x)
    classes, labels = np.unique(train.labels, return_inverse=True)
    if len(classes) < 2:
        msg = f"probes: training examples must be of two classes or more; got {len(classes)}"
        raise DataError(msg)
    x = scaling(train.x)
    home = torch.device("cpu") if device.type == "mps" else device
    with _one_thread():
        if protocol.solver == "ridge":
            solutions = ridge_path(x, labels, penalties)
        else:
            solutions = logistic_path(x, labels, penalties, protocol.tolerance, home)
    probabilities = protocol.solver == "logistic"
    return [LinearProbe(scaling, solution, classes, probabilities) for solution in solutions]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit numpy, and torch: its MKL keeps what `torch.set_num_threads` last said."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def select(
    protocol: Protocol,
    train: Features[Train],
    validation: Features[Validation],
    device: torch.device,
) -> Selected:
    """Fit the whole grid on train, choose on validation, and fit the choice on both.

    Among equal accuracies the strongest penalty is chosen; neighbors have none.
    """
    if protocol.tenth:
        train, validation = held_out(merged(train, validation), 0.1)
    if protocol.solver == "knn":
        voting = Neighbors(train)
        return Selected(voting, accuracy(voting, validation), len(validation))
    probes = fit(protocol, train, protocol.penalties, device)
    right = [accuracy(probe, validation) for probe in probes]
    best = int(np.argmax(right))
    penalty, chosen = protocol.penalties[best], probes[best]
    if protocol.merge:
        (chosen,) = fit(protocol, merged(train, validation), [penalty], device)
    return Selected(
        probe=chosen,
        penalty=penalty,
        validation=right[best],
        validation_n=len(validation),
        converged=chosen.solution.converged,
        unconverged=sum(not probe.solution.converged for probe in probes),
        edge=min(right) < max(right) and best in {0, len(probes) - 1},
    )
