"""Wall time of probing every depth at every penalty, against the plain way.

    python benchmarks/probe_sweep.py [--ckpt digits04/ac_vit.pt] [--data NAME] [--limit N]
           [--tolerance 1e-6]

Contestants, in one process, alternating, the fastest round of each, one thread:
  ours     features of all depths from one pass, then one warm path over the penalties per depth
  ridge    the same features, then every penalty of a depth from one decomposition
  plain    for every depth and penalty: features extracted anew, one cold fit of scikit-learn
The parts of extracting and of solving are stated apart: extracting once is worth what the network
costs, and only the rest is the solver's. Both fit the same problems to the same tolerance,
and their accuracies on validation are compared probe by probe.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from acn_eval.checkpoints import Checkpoint, load
from acn_eval.data import Examples, Split, unit_range
from acn_eval.evaluation import DataSelection, choose
from acn_eval.inference import (
    ClassMap,
    EvaluatedModel,
    FeatureUnit,
    OutcomeCache,
    Pass,
    Runtime,
)
from acn_eval.inference import read_features as read
from acn_eval.probes import PROTOCOLS, Features, Protocol, Train, Validation
from acn_eval.probes.probe import Scaling, accuracy
from acn_eval.probes.select import fit
from acn_eval.study.run import measured

CPU = torch.device("cpu")
SPLITS: tuple[Split, ...] = ("train", "validation")


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
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        tables = [extracted(checkpoint, examples, Path(name)) for examples in splits]
    middle = time.perf_counter()
    found = []
    for depth in range(len(tables[0])):
        train, validation = (
            Features(split, table[depth], e.labels, e.ids, len(e.classes))
            for split, table, e in zip((Train, Validation), tables, splits, strict=True)
        )
        probes = fit(protocol, train, protocol.penalties, CPU)
        found.append([accuracy(probe, validation) for probe in probes])
    return Round(middle - begin, time.perf_counter() - middle, np.array(found))


def extracted(checkpoint: Checkpoint, examples: Examples, folder: Path) -> np.ndarray:
    subject = EvaluatedModel(checkpoint, ClassMap((), restricted=False))
    runtime = Runtime(CPU, store=OutcomeCache(folder))
    job = Pass.clean(subject, examples, runtime, unit=FeatureUnit)
    ((table,),) = job.joined(measured(job.units, runtime))
    return table[0]


def plain(checkpoint: Checkpoint, splits: list[Examples], protocol: Protocol) -> Round:
    extracting = solving = 0.0
    exits = len(checkpoint.model.exits(checkpoint.prepare.blank(1)))
    found = np.zeros((exits, len(protocol.penalties)))
    for depth in range(exits):
        for i, penalty in enumerate(protocol.penalties):
            begin = time.perf_counter()
            x, v = (one_depth(checkpoint, examples, depth) for examples in splits)
            middle = time.perf_counter()
            scaling = Scaling.of(protocol.scale, x)
            model = LogisticRegression(C=1 / penalty, tol=protocol.tolerance, max_iter=1000)
            model.fit(scaling(x), splits[0].labels)
            found[depth, i] = model.score(scaling(v), splits[1].labels)
            extracting += middle - begin
            solving += time.perf_counter() - middle
    return Round(extracting, solving, found)


def one_depth(checkpoint: Checkpoint, examples: Examples, depth: int) -> np.ndarray:
    parts = []
    for start in range(0, len(examples), 256):
        where = np.arange(start, min(start + 256, len(examples)))
        images = unit_range(examples.read(where, checkpoint.prepare.spec))
        features = read(checkpoint, checkpoint.prepare(images), "fp32")
        parts.append(features[0, depth].numpy())
    return np.concatenate(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ckpt", default="digits04/ac_vit.pt")
    parser.add_argument("--data", default="")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--tolerance", type=float, default=1e-6)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoint = load(options.ckpt)
    selection = DataSelection(data=options.data, limit=options.limit)
    splits = [choose([checkpoint], selection, split, reads_head=False) for split in SPLITS]
    linear = replace(PROTOCOLS["linear"], tolerance=options.tolerance)
    ridge = replace(PROTOCOLS["ridge"], penalties=linear.penalties)
    contestants = {
        "ours": lambda: ours(checkpoint, splits, linear),
        "ridge": lambda: ours(checkpoint, splits, ridge),
        "plain": lambda: plain(checkpoint, splits, linear),
    }
    best: dict[str, Round] = {}
    with threadpool_limits(1):
        for _ in range(options.rounds):
            for name, run in contestants.items():
                now = run()
                if name not in best or now.seconds < best[name].seconds:
                    best[name] = now
    report(best, splits)


def report(best: dict[str, Round], splits: list[Examples]) -> None:
    depths, penalties = best["plain"].accuracies.shape
    shown = f"{len(splits[0])} training and {len(splits[1])} validation images"
    print(f"{splits[0].name}, {shown}, {depths} depths x {penalties} penalties")
    for name, found in best.items():
        parts = f"extracting {found.extracting:.2f}, solving {found.solving:.2f}"
        print(f"{name:6} {found.seconds:8.2f} s ({parts})")
    a, b = best["ours"], best["plain"]
    print(f"ours is {b.seconds / a.seconds:.1f} x as fast; the solver alone ", end="")
    print(f"{b.solving / a.solving:.2f} x, extracting {b.extracting / a.extracting:.0f} x")
    gap = 100 * np.abs(a.accuracies - b.accuracies)
    print(
        f"accuracies differ by {gap.max():.2f} points at most, {gap.mean():.3f} on average; ",
        end="",
    )
    print(f"the best of each depth by {100 * best_gap(a, b):.2f} at most")


def best_gap(a: Round, b: Round) -> float:
    return float(np.abs(a.accuracies.max(axis=1) - b.accuracies.max(axis=1)).max())


if __name__ == "__main__":
    main()
