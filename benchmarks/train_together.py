"""Does it pay to step many small networks as one?

    python benchmarks/train_together.py

Prints milliseconds per step of one training, alone and with 4, 8 and 16 networks stacked, and the
gain over alone. Each figure is the median of fifteen steps; alone is measured before and after.
On a CPU it is the processor's time, which other programs on the machine do not lengthen.
"""

import argparse
import time
from collections.abc import Sequence

import torch

from acn_eval.data import Examples, open_examples
from acn_eval.models import read_arch
from acn_eval.studies.low_data.draws import Draw
from acn_eval.training import Recipe, TrainingJob, seconds_per_step

PER_CLASS = 20
STACKS = (4, 8, 16)
NETWORKS = {
    "depth 4, width 32, 5 tokens": {"depth": 4, "width": 32, "hidden": 64},
    "depth 8, width 64, 5 tokens": {"depth": 8, "width": 64, "hidden": 128},
    "depth 8, width 64, 17 tokens": {"depth": 8, "width": 64, "hidden": 128, "patch": 2},
    "depth 8, width 128, 65 tokens": {
        "depth": 8,
        "width": 128,
        "hidden": 256,
        "image_size": 32,
    },
}
COMMON = {"kind": "vit", "heads": 2, "image_size": 8, "patch": 4, "channels": 1, "classes": 10}


def lessons(fields: dict[str, object], connectivity: str, pool: Examples) -> list[TrainingJob]:
    arch = read_arch({**COMMON, **fields, "connectivity": connectivity}, "benchmark")
    subset = Draw(pool, 0).subset(PER_CLASS)
    return [
        TrainingJob(Recipe(arch=arch, batch=32, seed=seed), subset.learned, subset.held_out)
        for seed in range(max(STACKS))
    ]


def pace(some: Sequence[TrainingJob], device: torch.device) -> float:
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    return 1000 * seconds_per_step(some, device, looks=15, clock=clock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    pool = open_examples("digits", "train")
    print(f"{'network':32}{'wiring':10}{'alone':>8}" + "".join(f"{n:>14}" for n in STACKS))
    for name, fields in NETWORKS.items():
        for connectivity in ("acn", "residual"):
            every = lessons(fields, connectivity, pool)
            before = pace(every[:1], device)
            stacked = [pace(every[:n], device) for n in STACKS]
            alone = (before + pace(every[:1], device)) / 2
            shown = "".join(f"{ms:7.2f} ({alone / ms:3.1f}x)" for ms in stacked)
            print(f"{name:32}{connectivity:10}{alone:8.2f}{shown}", flush=True)


if __name__ == "__main__":
    main()
