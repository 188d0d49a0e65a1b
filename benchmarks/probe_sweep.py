"""Time of probing every depth at every penalty, against the plain way.

    python benchmarks/probe_sweep.py [--rounds 5] [--tolerance 1e-6] [--only digits]

Contestants, in one process on one thread, in an order that rotates from round to round; the
clock is the processor's, which other programs do not stop:
  ours     features of all depths from one pass, then one path over the penalties per depth
  ridge    the same features, then every penalty of a depth from one decomposition
  plain    for every depth and penalty: features extracted anew, one cold fit of scikit-learn
Cases: the shipped network of digits, on the digits that it was not trained on; and, where
ACN_EVAL_DATA is set, the shipped networks of CIFAR-10 on 5,000 of its training images. There the
plain way extracts once a round instead of 117 times, and that time is multiplied.
Extracting and solving are stated apart: extracting once is worth what the network costs, and only
the rest is the solver's. Both fit the same problems to the same tolerance, and their accuracies on
validation are compared probe by probe. Medians and ranges over the rounds; the ratios are taken
round by round.
"""

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sklearn
import torch
from machine import facts
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import Checkpoint, load
from acn_eval.data import DATA_ROOT, Examples, Split, unit_range
from acn_eval.evaluation import DataSelection, choose
from acn_eval.inference import ClassMap, EvaluatedModel, FeatureUnit, Pass, Runtime
from acn_eval.inference import read_features as read
from acn_eval.probes import PROTOCOLS, Features, Protocol, Train, Validation
from acn_eval.probes.probe import Scaling, accuracy
from acn_eval.probes.select import fit
from acn_eval.study.run import measured

CPU = torch.device("cpu")
SPLITS: tuple[Split, ...] = ("train", "validation")
clock = time.process_time


class Case(NamedTuple):
    """A network, how many images of its data are read, and how often the plain way extracts."""

    checkpoint: str
    limit: int | None = None
    extractions: int | None = None


CASES = {
    "digits": Case("digits04/ac_vit.pt"),
    "cifar10 ac": Case("cifar10/ac_mixer.pt", 5000, 1),
    "cifar10 res": Case("cifar10/res_mixer.pt", 5000, 1),
}


class Round(NamedTuple):
    """Seconds of either part, and accuracies (depths, penalties)."""

    extracting: float
    solving: float
    accuracies: np.ndarray

    @property
    def seconds(self) -> float:
        """Of both parts."""
        return self.extracting + self.solving


def ours(checkpoint: Checkpoint, splits: list[Examples], protocol: Protocol) -> Round:
    begin = clock()
    with tempfile.TemporaryDirectory() as name:
        tables = [extracted(checkpoint, examples, Path(name)) for examples in splits]
    middle = clock()
    found = []
    for depth in range(len(tables[0])):
        train, validation = (
            Features(split, table[depth], e.labels, e.ids, len(e.classes))
            for split, table, e in zip((Train, Validation), tables, splits, strict=True)
        )
        probes = fit(protocol, train, protocol.penalties, CPU)
        found.append([accuracy(probe, validation) for probe in probes])
    return Round(middle - begin, clock() - middle, np.array(found))


def extracted(checkpoint: Checkpoint, examples: Examples, folder: Path) -> np.ndarray:
    subject = EvaluatedModel(checkpoint, ClassMap((), restricted=False))
    runtime = Runtime(CPU, store=OutcomeCache(folder))
    job = Pass.clean(subject, examples, runtime, unit=FeatureUnit)
    ((table,),) = job.joined(measured(job.units, runtime))
    return table[0]


def plain(
    checkpoint: Checkpoint, splits: list[Examples], protocol: Protocol, extractions: int | None
) -> Round:
    seconds: list[float] = []
    solving = 0.0
    exits = len(checkpoint.model.exits(checkpoint.prepare.blank(1)))
    found = np.zeros((exits, len(protocol.penalties)))
    for depth in range(exits):
        for i, penalty in enumerate(protocol.penalties):
            begin = clock()
            if extractions is None or len(seconds) < extractions:
                x, v = (every_depth(checkpoint, examples) for examples in splits)
                seconds.append(clock() - begin)
            middle = clock()
            scaling = Scaling.of(protocol.scale, x[depth])
            model = LogisticRegression(C=1 / penalty, tol=protocol.tolerance, max_iter=1000)
            model.fit(scaling(x[depth]), splits[0].labels)
            found[depth, i] = model.score(scaling(v[depth]), splits[1].labels)
            solving += clock() - middle
    return Round(float(np.mean(seconds)) * found.size, solving, found)


def every_depth(checkpoint: Checkpoint, examples: Examples) -> np.ndarray:
    parts = []
    for start in range(0, len(examples), 256):
        where = np.arange(start, min(start + 256, len(examples)))
        images = unit_range(examples.read(where, checkpoint.prepare.spec))
        parts.append(read(checkpoint, checkpoint.prepare(images), "fp32")[0].numpy())
    return np.concatenate(parts, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tolerance", type=float, default=PROTOCOLS["linear"].tolerance)
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{facts()}; scikit-learn {sklearn.__version__}")
    able = CASES if DATA_ROOT in os.environ else ["digits"]
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for name in [options.only] if options.only else able:
            measure(name, options.rounds, options.tolerance)


def measure(name: str, rounds: int, tolerance: float) -> None:
    case = CASES[name]
    checkpoint, selection = load(case.checkpoint), DataSelection(limit=case.limit)
    splits = [choose([checkpoint], selection, split, reads_head=False) for split in SPLITS]
    linear = replace(PROTOCOLS["linear"], tolerance=tolerance)
    ridge = replace(PROTOCOLS["ridge"], penalties=linear.penalties)
    contestants: dict[str, Callable[[], Round]] = {
        "ours": lambda: ours(checkpoint, splits, linear),
        "ridge": lambda: ours(checkpoint, splits, ridge),
        "plain": lambda: plain(checkpoint, splits, linear, case.extractions),
    }
    taken: dict[str, list[Round]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(rounds):
        for own in names[turn % len(names) :] + names[: turn % len(names)]:
            taken[own].append(contestants[own]())
    shown = f"{len(splits[0])} training and {len(splits[1])} validation images"
    depths, penalties = taken["plain"][0].accuracies.shape
    print(f"\n{name}: {shown}, {depths} depths x {penalties} penalties, {rounds} rounds")
    report(taken)


def report(taken: dict[str, list[Round]]) -> None:
    for name, rounds in taken.items():
        parts = [
            f"{part} {spread([getattr(own, part) for own in rounds])} s"
            for part in ("seconds", "extracting", "solving")
        ]
        print(f"{name:6} {', '.join(parts)}")
    pairs = list(zip(taken["ours"], taken["plain"], strict=True))
    for part, what in (
        ("seconds", "ours is"),
        ("solving", "the solver alone"),
        ("extracting", "extracting"),
    ):
        ratios = [getattr(b, part) / getattr(a, part) for a, b in pairs]
        print(f"{what} {spread(ratios)} x as fast")
    a, b = (found.accuracies for found in pairs[0])
    gap = 100 * np.abs(a - b)
    best = 100 * np.abs(a.max(axis=1) - b.max(axis=1)).max()
    print(
        f"accuracies differ by {gap.max():.2f} points at most, {gap.mean():.3f} on average, the "
        f"best of each depth by {best:.2f} at most"
    )


def spread(values: list[float]) -> str:
    return f"{np.median(values):.2f} [{min(values):.2f}, {max(values):.2f}]"


if __name__ == "__main__":
    main()
