"""Cost of a forward pass by size of batch, network and precision; `*` marks the rule's size.

    python benchmarks/batch_size.py [--threads 1 2] [--precision fp32 bf16] [--rounds 5]
                                    [--networks digits_vit vit_128] [--plain]

Random images, random or shipped weights. All sizes of a network take turns in one process, in an
order that rotates from round to round; the allocator keeps its pages as in a command, unless
`--plain` is given. One thread is timed by its own CPU clock, which other programs do not stop,
several by the wall clock. Medians of microseconds an image.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from machine import facts
from torch import Tensor, nn

from acn_eval.allocation import keep_freed_memory
from acn_eval.checkpoints import load
from acn_eval.inference.precision import Numeric, running
from acn_eval.inference.profile import fitting_batch
from acn_eval.models import build, cost, initialize, read_arch

SIZES = (16, 32, 64, 128, 256, 512)
LARGEST = 6e11  # FLOPs of a batch; larger ones are left out
CIFAR = {"connectivity": "acn", "image_size": 32, "channels": 3, "classes": 10}
ARCHS = {
    "mixer_128": {"kind": "mixer", "depth": 5, "width": 128, "patch": 8, **CIFAR},
    "vit_64": {"kind": "vit", "depth": 6, "width": 64, "heads": 4, "patch": 4, **CIFAR},
    "vit_128": {"kind": "vit", "depth": 12, "width": 128, "heads": 4, "patch": 4, **CIFAR},
    "vit_256": {"kind": "vit", "depth": 8, "width": 256, "heads": 8, "patch": 4, **CIFAR},
}
TIMM = {"vit_s16": "vit_small_patch16_224"}
SHIPPED = {"digits_vit": "ac_vit.pt", "digits_mixer": "ac_mixer.pt"}


def network(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    """Return a network in eval mode, and the shape of an image."""
    if name in SHIPPED:
        found = load(SHIPPED[name])
        return found.model, found.prepare.spec.shape
    if name in TIMM:
        import timm

        return timm.create_model(TIMM[name]).eval(), (3, 224, 224)
    return initialize(build(read_arch(ARCHS[name], "benchmark")), 0).eval(), (3, 32, 32)


def seconds(model: nn.Module, images: Tensor, size: int, numeric: Numeric) -> float:
    clock: Callable[[], float] = (
        time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    )
    start = clock()
    with running(numeric, images.device):
        for part in images.split(size):
            model(part)
    return (clock() - start) / len(images)


def table(name: str, numeric: Numeric, rounds: int) -> str:
    model, shape = network(name)
    flops = cost(model, torch.zeros(1, *shape)).flops
    sizes = [size for size in SIZES if size * flops <= LARGEST]
    # Two batches of the largest, and enough work to be timed.
    n = max(2 * sizes[-1], int(2e9 / flops) // 512 * 512)
    images = torch.rand(n, *shape, generator=torch.Generator())
    found: dict[int, list[float]] = {size: [] for size in sizes}
    for turn in range(rounds + 1):
        for size in np.roll(sizes, -turn).tolist():
            found[size].append(seconds(model, images, size, numeric))
    own = fitting_batch(flops, images.device)
    cells = (
        f"{1e6 * np.median(times[1:]):9.1f}{'*' if size == own else ' '}"
        for size, times in found.items()
    )
    return f"{name:13}{flops / 1e6:10.1f}  {numeric}  {''.join(cells)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--precision", nargs="+", choices=["fp32", "bf16"], default=["fp32"])
    parser.add_argument("--networks", nargs="+", default=[*SHIPPED, *ARCHS, *TIMM])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--plain", action="store_true", help="leave the allocator as it is")
    options = parser.parse_args()
    if not options.plain:
        keep_freed_memory()
    for threads in options.threads:
        torch.set_num_threads(threads)
        print(facts())
        print("network          MFLOPs      " + "".join(f"{size:9} " for size in SIZES))
        for name in options.networks:
            for numeric in options.precision:
                print(table(name, numeric, options.rounds), flush=True)


if __name__ == "__main__":
    main()
