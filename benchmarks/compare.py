"""CPU time of storing, reading and comparing results of 10,000 images under seven conditions.

    python benchmarks/compare.py [--rounds 7] [--images 10000] [--seeds 5]

One file a side, and several seeds a side, in an order that rotates from round to round; one
thread, by its CPU clock. Another checkout is measured by the same file with its folder in
PYTHONPATH.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from gate import made
from machine import facts

from acn_eval.results import EvalResult
from acn_eval.studies.compare import compare

Side = list[EvalResult]


def seeds(connectivity: str, n: int, count: int, first: int) -> Side:
    """Results of one architecture that differ in their training seed alone."""
    found = []
    for seed in range(count):
        result = made(f"{connectivity}_vit", n, first + seed)
        training = {"recipe": "made", "data": "made", "steps": 1, "examples": 1, "seed": seed}
        arch = {"kind": "vit", "connectivity": connectivity}
        own = {"sha256": f"sha of {connectivity} {seed}", "arch": arch, "training": training}
        found.append(replace(result, checkpoint=replace(result.checkpoint, **own)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    new, old = (
        seeds(name, args.images, args.seeds, first) for name, first in (("acn", 1), ("res", 101))
    )
    with tempfile.TemporaryDirectory() as folder:
        stored = [result.save(Path(folder)) for result in (*new, *old)]
        jobs: dict[str, Callable[[], object]] = {
            "save one result": lambda: new[0].save(Path(folder)),
            "read one result": lambda: EvalResult.load(stored[0]),
            "compare 1 with 1": lambda: compare(new[:1], old[:1]),
            f"compare {args.seeds} with {args.seeds}": lambda: compare(new, old),
        }
        taken = rounds(jobs, args.rounds)
    print(f"{facts()}\n{args.images} images x 7 conditions, CPU ms, {args.rounds} rounds")
    for name, ms in taken.items():
        print(f"{name:18} {np.median(ms):6.1f} [{min(ms):.1f}, {max(ms):.1f}]")


def rounds(jobs: dict[str, Callable[[], object]], count: int) -> dict[str, list[float]]:
    """Milliseconds of every job in every round, after one that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in jobs}
    names = list(jobs)
    for turn in range(-1, count):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            begin = time.process_time()
            jobs[name]()
            if turn >= 0:
                taken[name].append(1e3 * (time.process_time() - begin))
    return taken


if __name__ == "__main__":
    main()
