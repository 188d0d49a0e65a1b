"""Peak memory of an evaluation over 1x and 10x as many picture files.

    python benchmarks/memory.py [--images 1000]

Each size runs in a process of its own on PNG files, which are decoded batch by batch; what grows
with the number of images is their outcomes, 16 bytes an image and condition.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from acn_eval.checkpoints import from_module
from acn_eval.data import Geometry, PrepareImages
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import OutcomeCache, Runtime
from acn_eval.models import build, initialize, read_arch


def write(folder: Path, n: int) -> None:
    rng = np.random.default_rng(0)
    for i in range(n):
        file = folder / str(i % 10) / f"{i}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(file)


def peak_of_one_run(folder: Path) -> float:
    arch = {"kind": "vit", "depth": 2, "width": 32, "patch": 8, "image_size": 32, "channels": 3}
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
    options = parser.parse_args()
    if options.one:
        print(f"{peak_of_one_run(options.one):.1f}")
        return
    peaks = []
    for times in (1, 10):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), times * options.images)
            again = [sys.executable, __file__, "--one", folder]
            out = subprocess.run(again, check=True, capture_output=True, text=True).stdout
        peaks.append(float(out))
        print(f"{times * options.images:7,} images: peak {peaks[-1]:,.1f} MiB")
    print(f"ratio {peaks[1] / peaks[0]:.3f}")


if __name__ == "__main__":
    main()
