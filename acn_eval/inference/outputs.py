"""The forward loop of studies that train; `one_pass` is the loop of stored checkpoints."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.data.examples import Examples
from acn_eval.errors import MeasureError
from acn_eval.inference.condition import broken
from acn_eval.inference.memory import Batches
from acn_eval.inference.precision import running
from acn_eval.inputs import Prepare

__all__ = ["inputs_of", "outputs", "require_finite"]


def inputs_of(
    examples: Examples, where: NDArray[np.int64], prepare: Prepare, device: torch.device
) -> Any:
    """Return the input of the network for the examples at these indices, on the device."""
    return prepare(prepare.spec.upload(examples.read(where, prepare.spec), device))


def outputs(
    forward: Callable[[Any], Tensor],
    examples: Examples,
    prepare: Prepare,
    batches: Batches,
    *,
    name: str,
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Yield the indices (n,) of every batch and what `forward` returns for it, in fp32.

    No gradients are computed, and the mode of the network is left as it is.

    Args:
        forward: prepared examples to logits or features, (..., n, values).
        examples: in the order in which they are shown.
        prepare: from examples to the input of the network.
        batches: halved where memory runs out.
        name: of what is measured, for messages.

    Raises:
        MeasureError: an output is not finite, or not even one example fits into memory.
    """
    begin, device = 0, batches.device

    def attempt(size: int) -> tuple[NDArray[np.int64], Tensor]:
        where = np.arange(begin, min(begin + size, len(examples)))
        with running("fp32", device):
            return where, forward(inputs_of(examples, where, prepare, device))

    while begin < len(examples):
        where, found = batches.halving(attempt)
        yield where, require_finite(found, name)
        begin += len(where)


def require_finite(logits: Tensor, where: str) -> Tensor:
    """Return logits (..., n, classes) as they are, if all of them are finite.

    Leading axes are the exits of a network; `where`, what was measured, opens the message.

    Raises:
        MeasureError: says for how many examples they are not.
    """
    bad = broken(logits.transpose(0, -2).flatten(1))
    if bool(bad.any()):
        msg = f"{where}: logits must be finite; got NaN or infinity for {int(bad.sum())}"
        raise MeasureError(f"{msg} of {len(bad)} examples")
    return logits
