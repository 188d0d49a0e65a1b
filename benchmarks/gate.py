"""Wall time of a gate's judging, on two results of 10,000 images; `commands.py` has the command.

python benchmarks/gate.py [--runs 7] [--images 10000]
"""

import argparse
import time

import numpy as np

from acn_eval.gate import decide, read_gate, replay
from acn_eval.results import Cell, CheckpointId, DataId, EvalResult
from acn_eval.statistics.comparison import name_of

CONDITIONS = [{"corruption": "clean", "level": 0.0}] + [
    {"corruption": kind, "level": level, "space": "pixel"}
    for kind, levels in {"gaussian": (0.1, 0.2, 0.4), "salt_pepper": (0.01, 0.05, 0.1)}.items()
    for level in levels
]


def made(name: str, n: int, seed: int) -> EvalResult:
    """A result of seven conditions; two seeds differ on 6 to 30 % of the images."""
    shared, own = np.random.default_rng(0), np.random.default_rng(seed)
    cells = []
    for number, condition in enumerate(CONDITIONS):
        latent = shared.normal(size=n) + 0.3 * own.normal(size=n)
        right = (latent < 1.6 - 0.2 * number).astype(np.float32)
        ids, primary = np.arange(n), name_of(condition) != "clean"
        cells.append(Cell(condition, ids, right, primary=primary))
    return EvalResult(
        checkpoint=CheckpointId(name, f"{name}.pt", f"sha of {name}", {}, 1, 1, {}),
        data=DataId("made", "test", n, "made", tuple("0123456789")),
        suite={"name": "robustness", "kind": "robustness"},
        seed=0,
        precision="fp32",
        device="cpu",
        noise_version=1,
        noise_digest="made",
        certificate={},
        versions={},
        cells=tuple(cells),
        skipped=(),
        created_ms=0,
    )


def seconds(runs: int, work) -> str:  # noqa: ANN001
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return f"fastest {min(times):.3f} s, median {sorted(times)[runs // 2]:.3f} s of {runs}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--images", type=int, default=10_000)
    options = parser.parse_args()
    gate = read_gate("gate")
    pair = [made(name, options.images, seed) for seed, name in enumerate(("new", "old"), 1)]
    print(f"judging: {seconds(options.runs, lambda: decide(gate, *pair))}")
    print(f"replaying the looks: {seconds(options.runs, lambda: replay(gate, *pair))}")


if __name__ == "__main__":
    main()
