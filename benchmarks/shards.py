"""Tar shards of 1x, 10x and 100x as many images: seconds to open, and peak memory of a run.

    python benchmarks/shards.py [--images 2000] [--workers 2] [--times 1 10 100]

Every figure comes from a process of its own. A tiny network is measured on clean images and under
one noise, by the local engine and by workers; the peak of the workers is that of the largest one.
``--open 1000000`` writes that many images, and opens and lists them alone: first without an index,
then with it.
"""

import argparse
import io
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import torch
from machine import facts
from PIL import Image

from acn_eval.allocation import keep_freed_memory
from acn_eval.cache import CACHE_ENV, OutcomeCache
from acn_eval.checkpoints import from_module
from acn_eval.data import Geometry, PrepareImages, open_examples
from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.start import engine_of
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import Runtime
from acn_eval.models import build, initialize, read_arch

PER_SHARD = 10_000
SUITE = """\
kind: robustness
name: one_noise
description: Clean and one noise
corruptions:
  - {kind: gaussian, levels: [0.1]}
"""


def write(folder: Path, images: int) -> None:
    """Write shards of 32 x 32 PNGs, of which 256 are different."""
    rng = np.random.default_rng(0)
    pictures = [png(rng.integers(0, 256, (32, 32, 3), np.uint8)) for _ in range(256)]
    for first in range(0, images, PER_SHARD):
        with tarfile.open(
            folder / f"test-{first:08}.tar", "w", format=tarfile.USTAR_FORMAT
        ) as tar:
            for i in range(first, min(first + PER_SHARD, images)):
                for name, content in (("png", pictures[i % 256]), ("cls", b"%d" % (i % 10))):
                    member = tarfile.TarInfo(f"{i:08}.{name}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def peaks_of_one_run(folder: Path, workers: int) -> tuple[float, float]:
    """Return the peaks of this process and of its largest worker in MiB."""
    arch = {"kind": "vit", "depth": 1, "width": 32, "patch": 8, "image_size": 32, "channels": 3}
    prepare = PrepareImages(Geometry(32, 3), (0.5,) * 3, (0.25,) * 3)
    network = initialize(build(read_arch(arch, "benchmark")), 0)
    classes = tuple(str(i) for i in range(10))
    subject = from_module(network, name="vit", classes=classes, prepare=prepare)
    device = torch.device("cpu")
    choice = EngineChoice("processes", workers) if workers else EngineChoice(threads=1)
    with tempfile.TemporaryDirectory() as own, engine_of(choice, device) as engine:
        suite, store = Path(own, "one.yaml"), OutcomeCache(Path(own, "store"))
        suite.write_text(SUITE)
        runtime = Runtime(device, store=store, threads=1, engine=engine)
        with watched() as peaks:
            evaluate([subject], str(suite), DataSelection(data=f"wds:{folder}"), runtime=runtime)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, max(peaks, default=0.0)


@contextmanager
def watched() -> Iterator[list[float]]:
    """Yield a list that gets the peaks of all children in MiB, ten times a second.

    `getrusage` would count what the driver had in memory when it started them.
    """
    peaks, ended = list[float](), threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for child in psutil.Process().children(recursive=True):
                with suppress(OSError, StopIteration):
                    lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
                    peak = next(line for line in lines if line.startswith("VmHWM"))
                    peaks.append(int(peak.split()[1]) / 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        ended.set()
        watcher.join()


def seconds_to_open(folder: Path) -> tuple[float, float]:
    """Return the seconds, and the MiB that the examples take."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    examples = open_examples(f"wds:{folder}").keyed()
    chunks = [
        examples.at(np.arange(i, min(i + 2048, len(examples))))
        for i in range(0, len(examples), 2048)
    ]
    assert all(chunk.digest for chunk in chunks)
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return time.perf_counter() - start, taken / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--open", type=int)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        keep_freed_memory()
        opened = options.open is not None
        found = (
            seconds_to_open(options.folder)
            if opened
            else peaks_of_one_run(options.folder, options.workers)
        )
        print(*found)
        return
    print(facts())
    for images in [options.open] if options.open else [options.images * n for n in options.times]:
        with tempfile.TemporaryDirectory() as shards, tempfile.TemporaryDirectory() as cache:
            write(Path(shards), images)
            os.environ[CACHE_ENV] = cache
            for how in ("first", "again") if options.open else (0, options.workers):
                show(images, how, Path(shards))


def show(images: int, how: str | int, shards: Path) -> None:
    own = ["--open", "1"] if isinstance(how, str) else ["--workers", str(how)]
    start = time.perf_counter()
    again = [sys.executable, __file__, "--folder", str(shards), *own]
    said = subprocess.run(again, check=True, capture_output=True, text=True).stdout
    first, second = map(float, said.split())
    if isinstance(how, str):
        print(f"{images:>9,} images opened ({how}): {first:.1f} s, {second:.0f} MiB", flush=True)
        return
    took = time.perf_counter() - start
    peaks = f"driver {first:,.0f} MiB" + f", largest worker {second:,.0f} MiB" * bool(how)
    print(f"{images:>9,} images, {how} workers: {peaks}, {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
