"""Peak memory of an evaluation over 1x and 10x as many picture files.

    python benchmarks/memory.py [--images 1000]

Each size runs in a process of its own on PNG files, which are decoded chunk by chunk, with malloc
as it is and with freed memory kept as in a command; what grows with the number of images is their
outcomes, 32 bytes an image and condition.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from machine import facts
from PIL import Image

from acn_eval.allocation import keep_freed_memory
from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import from_module
from acn_eval.data import Geometry, PrepareImages
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import Runtime
from acn_eval.models import build, initialize, read_arch


def write(folder: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    for i in range(n):
        file = folder / str(i % 10) / f"{i}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(file)


def peak_of_one_run(folder: Path) -> float:
    arch = {"kind": "vit", "depth": 4, "width": 128, "patch": 4, "image_size": 32, "channels": 3}
    prepare = PrepareImages(Geometry(32, 3), (0.5,) * 3, (0.25,) * 3)
    network = initialize(build(read_arch(arch, "benchmark")), 0)
    classes = tuple(str(i) for i in range(10))
    subject = from_module(network, name="vit", classes=classes, prepare=prepare)
    with tempfile.TemporaryDirectory() as store:
        runtime = Runtime(torch.device("cpu"), store=OutcomeCache(Path(store)))
        evaluate([subject], "robustness", DataSelection(data=f"folder:{folder}"), runtime=runtime)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kept", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        assert not options.kept or keep_freed_memory()
        print(f"{peak_of_one_run(options.one):.1f}")
        return
    print(facts())
    print(f"peak of {options.images:,} images and of {10 * options.images:,}")
    sizes = options.images, 10 * options.images
    peaks = {kept: [peak(size, kept=kept) for size in sizes] for kept in (False, True)}
    for kept, (one, ten) in peaks.items():
        what = f"freed memory {'kept' if kept else 'returned'}"
        print(f"{what:22} {one:,.1f} MiB, {ten:,.1f} MiB, ratio {ten / one:.3f}")


def peak(images: int, *, kept: bool) -> float:
    """Return the peak of a process of its own, in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), images)
        again = [sys.executable, __file__, "--one", folder, *(["--kept"] if kept else [])]
        return float(subprocess.run(again, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
