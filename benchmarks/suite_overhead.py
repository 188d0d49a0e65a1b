"""What the robustness suite costs, beside the forward passes that it cannot avoid.

    python benchmarks/suite_overhead.py [--images 2048] [--rounds 5] [--threads 2]
                                        [--contestants user policy suite]

A CIFAR-sized ViT (depth 12, width 128, patch 4, random weights) under the paper's seven
conditions, on CIFAR-10 where ACN_EVAL_DATA points to it, on random pictures elsewhere:
  user    forward passes alone, on images that are ready, as a user would write them: malloc as it
          is, batch 256
  policy  forward passes alone, with the allocation and the batch of the suite
  suite   `RobustnessStudy`: decoding, noise, normalizing, certificate, digest, store
  reload  the way of a well-known benchmark, malloc as it is, batch 200, and 256 beside it: for
          every condition the whole array is loaded anew from disk, made float on the host,
          corrupted image by image with skimage, and run with one read-back a batch
All run in fp32 and, where the processor computes in it, policy and suite in bf16 too. Each has a
process of its own, because an allocator is chosen for a process; the processes take turns, in an
order that rotates from round to round. One thread is timed by its own CPU clock, which other
programs do not stop, several by the wall clock. Medians and ranges over the rounds; the ratios are
taken round by round. Page faults are those of the last round.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from machine import facts
from numpy.typing import NDArray
from skimage.util import random_noise
from torch import Tensor

from acn_eval.allocation import keep_freed_memory
from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import Checkpoint, from_module
from acn_eval.data import Examples, Geometry, PrepareImages, data_root, open_examples
from acn_eval.evaluation import DataSelection
from acn_eval.inference import Runtime
from acn_eval.inference.precision import Numeric, running
from acn_eval.models import build, initialize, read_arch
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.run import RobustnessStudy
from acn_eval.study.request import Request
from acn_eval.study.run import run

CPU = torch.device("cpu")
CONDITIONS = 7
LOOPS = {"reload": 200, "reload 256": 256}  # images of a batch
CONTESTANTS = ("user", "policy", "suite", *LOOPS, "policy bf16", "suite bf16")
RATIOS = (
    ("suite", "user", "at most 0.85"),
    ("suite", "policy", "at most 1.02"),
    ("suite bf16", "policy bf16", "at most 1.02"),
    ("reload", "suite", "at least 1.4"),
    ("reload 256", "suite", "at least 1.4"),
    ("reload", "suite bf16", "at least 3"),
    ("reload 256", "suite bf16", "at least 3"),
)
ARCH = {
    "kind": "vit",
    "connectivity": "acn",
    "depth": 12,
    "width": 128,
    "hidden": 512,
    "heads": 4,
    "patch": 4,
    "image_size": 32,
    "channels": 3,
}


def pictures(n: int, folder: Path) -> Examples:
    if (data_root() / "cifar-10-batches-py").is_dir():
        return open_examples("cifar10").keyed(n)
    images = np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), np.uint8)
    np.savez(folder / "random.npz", images=images, labels=np.arange(n) % 10)
    return open_examples(f"npz:{folder / 'random.npz'}").keyed()


def checkpoint() -> Checkpoint:
    network = initialize(build(read_arch(ARCH, "benchmark")), seed=0).eval()
    prepare = PrepareImages(Geometry(32, 3), (0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
    classes = tuple(str(i) for i in range(10))
    return from_module(network, name="vit", classes=classes, prepare=prepare)


def passes(own: Checkpoint, images: Tensor, batch: int, numeric: Numeric) -> None:
    for _ in range(CONDITIONS):
        for part in images.split(batch):
            with running(numeric, CPU):
                own.model(part).argmax(1)


def suite(request: Request, numeric: Numeric) -> None:
    (result,) = run(RobustnessStudy(request), request.runtime)
    assert result.precision == numeric


def reload(own: Checkpoint, file: Path, labels: NDArray[np.int64], size: int) -> None:
    for question in read_suite("robustness").questions():
        images = np.load(file).astype(np.float32) / 255
        if question.corruption is not None:
            images = np.stack([_skimage(question, image) for image in images])
        batch = torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2)
        correct = 0
        for part, wanted in zip(
            batch.split(size), torch.from_numpy(labels).split(size), strict=True
        ):
            with running("fp32", CPU):
                found = own.model(own.prepare.normalize(part)).argmax(1)
            correct += int((found == wanted).sum().item())


def _skimage(question, image: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: ANN001
    if question.corruption.kind == "gaussian":
        return random_noise(image, "gaussian", var=question.level**2)
    return random_noise(image, "s&p", amount=question.level)


def job_of(name: str, n: int, folder: Path) -> Callable[[], None]:
    """Return what a contestant does in one round."""
    what, _, low = name.partition(" ")
    numeric: Numeric = "bf16" if low == "bf16" else "fp32"
    own, examples = checkpoint(), pictures(n, folder)
    raw = examples.read(np.arange(n), Geometry(32, 3))
    if name in LOOPS:
        file = folder / "all.npy"
        np.save(file, raw.permute(0, 2, 3, 1).numpy())
        return lambda: reload(own, file, examples.labels, LOOPS[name])
    runtime = Runtime(CPU, precision=numeric, store=OutcomeCache(folder / "store", readable=False))
    if what == "suite":
        selection = DataSelection(examples.name, limit=n, class_order="position")
        request = Request(read_suite("robustness"), [own], selection, runtime)
        return lambda: suite(request, numeric)
    ready = own.prepare.normalize(raw.to(torch.float32) / 255)
    batch = 256 if what == "user" else runtime.batches(own.id.flops).size
    return lambda: passes(own, ready, batch, numeric)


def contest(name: str, options: argparse.Namespace) -> None:
    """Be a contestant: for each line that is read, do the job and print seconds and faults."""
    torch.set_num_threads(options.threads)
    if name.startswith(("policy", "suite")) and not keep_freed_memory():
        print("malloc stays as it is", file=sys.stderr)
    clock = time.process_time if options.threads == 1 else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        job = job_of(name, options.images, Path(folder))
        for _ in sys.stdin:
            faults, start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, clock()
            job()
            seconds = clock() - start
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
            print(seconds, faults, flush=True)


def started(name: str, options: argparse.Namespace) -> subprocess.Popen[str]:
    again = [sys.executable, __file__, "--contestant", name]
    size = ["--images", str(options.images), "--threads", str(options.threads)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([*again, *size], **pipes)


def turn(process: subprocess.Popen[str]) -> tuple[float, float]:
    """Let a contestant do its job once; return seconds and page faults."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("go\n")
    process.stdin.flush()
    seconds, faults = map(float, process.stdout.readline().split())
    return seconds, faults


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        contest(options.contestant, options)
        return
    bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    names = [name for name in options.contestants if bf16 or not name.endswith("bf16")]
    print(facts())
    print(f"{options.images} images x {CONDITIONS} conditions, {options.threads} threads")
    measured = race({name: started(name, options) for name in names}, options.rounds)
    show(measured, options.images * CONDITIONS)


def race(processes: dict[str, subprocess.Popen[str]], rounds: int) -> dict[str, NDArray]:
    """Return per contestant an array (rounds, 2) of seconds and page faults, after one to warm."""
    for process in processes.values():
        turn(process)
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in processes}
    names = list(processes)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            measured[name].append(turn(processes[name]))
    for process in processes.values():
        process.communicate()
    return {name: np.array(own) for name, own in measured.items()}


def show(measured: dict[str, NDArray], passed: int) -> None:
    for name, own in measured.items():
        low, middle, high = np.quantile(own[:, 0], [0, 0.5, 1])
        print(
            f"{name:12} {middle:7.2f} s [{low:.2f}, {high:.2f}] {1e6 * middle / passed:7.0f} us"
            f" and {own[-1, 1] / passed:6.1f} page faults an image"
        )
    for above, below, wanted in RATIOS:
        if above in measured and below in measured:
            ratios = measured[above][:, 0] / measured[below][:, 0]
            low, middle, high = np.quantile(ratios, [0, 0.5, 1])
            print(f"{above} / {below}: {middle:.3f} [{low:.3f}, {high:.3f}], asked {wanted}")


if __name__ == "__main__":
    main()
