"""What ten networks in one run cost, beside the forward passes that none of them can avoid.

    python benchmarks/several_models.py [--images 2000] [--rounds 5] [--threads 1]
                                        [--contestants forwards together apart]

Ten ViTs of CIFAR's size (depths 2 to 6, both connectivities, random weights) under the paper's
seven conditions. The pictures are PNG files, of CIFAR-10 where ACN_EVAL_DATA points to it, random
elsewhere.
  forwards  forward passes of all ten alone, on pictures that are ready, in the batch and the
            precision of the run
  together  one run of ten: decoding, noise, normalizing, certificates, digests, store
  apart     ten runs of one: the same, each with its own decoding and noise
All run in fp32. Each has a process of its own; the processes take turns, in an order that rotates
from round to round. One thread is timed by its own CPU clock, which other programs do not stop,
several by the wall clock. Medians and ranges over the rounds; ratios are taken round by round.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import torch
from machine import facts
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from acn_eval.allocation import keep_freed_memory
from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import Checkpoint, from_module
from acn_eval.data import Geometry, PrepareImages, data_root, open_examples
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import Runtime
from acn_eval.inference.precision import running
from acn_eval.models import build, initialize, read_arch

CPU = torch.device("cpu")
CONDITIONS, CLASSES = 7, 10
CONTESTANTS = ("forwards", "together", "apart")
RATIOS = (("together", "forwards"), ("apart", "forwards"), ("apart", "together"))
ARCH = {"kind": "vit", "width": 64, "hidden": 128, "heads": 4, "patch": 8, "channels": 3}


def ten() -> list[Checkpoint]:
    prepare = PrepareImages(Geometry(32, 3), (0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
    classes = tuple(str(i) for i in range(CLASSES))
    found = []
    for depth, connectivity in product(range(2, 7), ("acn", "residual")):
        name, own = f"{connectivity}_{depth}", {"depth": depth, "connectivity": connectivity}
        arch = read_arch({**ARCH, **own, "image_size": 32}, "benchmark")
        network = initialize(build(arch), seed=depth).eval()
        found.append(from_module(network, name=name, classes=classes, prepare=prepare))
    return found


def pictures(n: int, folder: Path) -> str:
    """Write PNG files, one folder per class; return the name of the data."""
    for number, (image, label) in enumerate(zip(*_images(n), strict=True)):
        place = folder / "seen" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.png")
    return f"folder:{folder / 'seen'}"


def _images(n: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    if (data_root() / "cifar-10-batches-py").is_dir():
        examples = open_examples("cifar10").keyed(n)
        batch = examples.read(np.arange(n), Geometry(32, 3))
        return batch.permute(0, 2, 3, 1).numpy(), examples.labels
    images = np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), np.uint8)
    return images, np.arange(n) % CLASSES


def job_of(name: str, n: int, folder: Path) -> Callable[[], None]:
    """Return what a contestant does in one round."""
    networks, data = ten(), pictures(n, folder)
    store = OutcomeCache(folder / "store", readable=False)
    runtime = Runtime(CPU, precision="fp32", store=store)
    if name == "forwards":
        examples = open_examples(data)
        raw = examples.read(np.arange(n), Geometry(32, 3))
        ready = networks[0].prepare.normalize(raw.to(torch.float32) / 255)
        batch = runtime.batches(max(c.id.flops for c in networks)).size
        return lambda: passes(networks, ready, batch)
    groups = [networks] if name == "together" else [[own] for own in networks]
    selection = DataSelection(data, class_order="position")
    return lambda: [evaluate(g, "robustness", selection, runtime=runtime) for g in groups] and None


def passes(networks: list[Checkpoint], images: Tensor, batch: int) -> None:
    for own, _ in product(networks, range(CONDITIONS)):
        for part in images.split(batch):
            with running("fp32", CPU):
                own.model(part).argmax(1)


def contest(name: str, options: argparse.Namespace) -> None:
    """Be a contestant: for each line that is read, do the job and print its seconds."""
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    clock = time.process_time if options.threads == 1 else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        job = job_of(name, options.images, Path(folder))
        for _ in sys.stdin:
            start = clock()
            job()
            print(clock() - start, flush=True)


def started(name: str, options: argparse.Namespace) -> subprocess.Popen[str]:
    again = [sys.executable, __file__, "--contestant", name]
    size = ["--images", str(options.images), "--threads", str(options.threads)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([*again, *size], **pipes)


def turn(process: subprocess.Popen[str]) -> float:
    """Let a contestant do its job once; return its seconds."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def race(processes: dict[str, subprocess.Popen[str]], rounds: int) -> dict[str, NDArray]:
    """Return seconds (rounds,) per contestant, after one round to warm."""
    for process in processes.values():
        turn(process)
    measured: dict[str, list[float]] = {name: [] for name in processes}
    names = list(processes)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            measured[name].append(turn(processes[name]))
    for process in processes.values():
        process.communicate()
    return {name: np.array(own) for name, own in measured.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        contest(options.contestant, options)
        return
    print(facts())
    print(f"10 networks x {options.images} images x {CONDITIONS}, {options.rounds} rounds")
    measured = race({name: started(name, options) for name in options.contestants}, options.rounds)
    for name, own in measured.items():
        passed = 10 * options.images * CONDITIONS
        low, middle, high = np.quantile(own, [0, 0.5, 1])
        print(f"{name:9} {middle:6.2f} s [{low:.2f}, {high:.2f}] {1e6 * middle / passed:5.0f} us")
    for above, below in RATIOS:
        if not {above, below} <= measured.keys():
            continue
        low, middle, high = np.quantile(measured[above] / measured[below], [0, 0.5, 1])
        print(f"{above} / {below}: {middle:.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
