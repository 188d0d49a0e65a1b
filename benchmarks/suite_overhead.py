"""What the robustness suite costs over the forward passes that it cannot avoid.

    python benchmarks/suite_overhead.py [--precision fp32 bf16] [--images 2048] [--rounds 5]
                                        [--threads 2] [--no-reload]

In one process, on a CIFAR-sized ViT (depth 12, width 128, patch 4, random weights) and the paper's
seven conditions, all contestants at the same precision, in an order that rotates from round to
round:
  bare         the forward passes alone, on images that are ready
  suite        `RobustnessStudy`: decoding, noise, normalizing, certificate, digest, store
  reload loop  the way of a well-known benchmark: for every condition the whole array is loaded
               anew from disk, made float on the host, corrupted image by image with skimage, and
               run with one read-back a batch
CIFAR-10 is used where ACN_EVAL_DATA points to it, random pictures elsewhere. Medians and ranges
over the rounds; the ratios are taken round by round.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from skimage.util import random_noise
from torch import nn

from acn_eval.checkpoints import Checkpoint, Classifier, from_module
from acn_eval.data import Examples, Geometry, PrepareImages, data_root, open_examples
from acn_eval.evaluation import DataSelection
from acn_eval.inference import ClassMap, EvaluatedModel, OutcomeCache, Runtime
from acn_eval.inference.precision import Numeric, running
from acn_eval.models import build, initialize, read_arch
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.run import RobustnessStudy
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.request import Request
from acn_eval.study.run import run

CLASSES = tuple(str(i) for i in range(10))
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


def network() -> nn.Module:
    return initialize(build(read_arch(ARCH, "benchmark")), seed=0).eval()


def pictures(n: int, folder: Path) -> Examples:
    if (data_root() / "cifar-10-batches-py").is_dir():
        return open_examples("cifar10").keyed(n)
    images = np.random.default_rng(0).integers(0, 256, (n, 32, 32, 3), np.uint8)
    np.savez(folder / "random.npz", images=images, labels=np.arange(n) % 10)
    return open_examples(f"npz:{folder / 'random.npz'}").keyed()


def checkpoint() -> Checkpoint:
    prepare = PrepareImages(Geometry(32, 3), (0.49, 0.48, 0.45), (0.25, 0.24, 0.26))
    return from_module(network(), name="vit", classes=CLASSES, prepare=prepare)


def forward(network: Classifier, images: torch.Tensor, numeric: Numeric) -> torch.Tensor:
    with running(numeric, images.device):
        return network(images)


def bare(subject: EvaluatedModel, images: torch.Tensor, batch: int, numeric: Numeric) -> None:
    for _ in range(7):
        for part in torch.split(images, batch):
            forward(subject.checkpoint.model, part, numeric).argmax(1)


def suite_run(request: Request[Robustness]) -> None:
    (result,) = run(RobustnessStudy(request), request.runtime)
    assert result.precision == request.runtime.precision


def reload_loop(
    suite: Robustness, subject: EvaluatedModel, file: Path, labels: np.ndarray, numeric: Numeric
) -> None:
    for question in suite.questions():
        images = np.load(file).astype(np.float32) / 255
        if question.corruption is not None:
            images = np.stack([_skimage(question, image) for image in images])
        batch = torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2)
        correct = 0
        for part, wanted in zip(
            batch.split(200), np.split(labels, range(200, len(labels), 200)), strict=True
        ):
            logits = forward(
                subject.checkpoint.model, subject.checkpoint.prepare.normalize(part), numeric
            )
            correct += int((logits.argmax(1) == torch.from_numpy(wanted)).sum().item())


def _skimage(question, image: np.ndarray) -> np.ndarray:  # noqa: ANN001
    if question.corruption.kind == "gaussian":
        return random_noise(image, "gaussian", var=question.level**2)
    return random_noise(image, "s&p", amount=question.level)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", nargs="+", choices=["fp32", "bf16"], default=["fp32"])
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-reload", action="store_true", help="leave the reload loop out")
    parser.add_argument("--batch", type=int, default=Runtime(torch.device("cpu")).batch_size)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} threads, {cpu_capability()}")
    for numeric in options.precision:
        with tempfile.TemporaryDirectory() as name:
            measure(options, numeric, Path(name))


def cpu_capability() -> str:
    """Vector units that torch uses, and whether the processor multiplies bf16."""
    bf16 = torch.cpu._is_avx512_bf16_supported()
    return f"{torch.backends.cpu.get_cpu_capability()}, bf16 units: {'yes' if bf16 else 'no'}"


def measure(options: argparse.Namespace, numeric: Numeric, folder: Path) -> None:
    suite = read_suite("robustness")
    examples = pictures(options.images, folder)
    columns = tuple(range(len(CLASSES)))  # whatever the pictures show: nobody reads the accuracy
    subject = EvaluatedModel(checkpoint(), ClassMap(columns, restricted=False))
    raw = examples.read(np.arange(len(examples)), Geometry(32, 3))
    ready = subject.checkpoint.prepare.normalize(raw.to(torch.float32) / 255)
    np.save(folder / "all.npy", raw.permute(0, 2, 3, 1).numpy())
    store = OutcomeCache(folder / "store", readable=False)
    runtime = Runtime(torch.device("cpu"), options.batch, precision=numeric, store=store)
    selection = DataSelection(examples.name, limit=options.images, class_order="position")
    request = Request(suite, [subject.checkpoint], selection, runtime)
    contestants: dict[str, Callable[[], object]] = {
        "bare": lambda: bare(subject, ready, options.batch, numeric),
        "suite": lambda: suite_run(request),
        "reload loop": lambda: reload_loop(
            suite, subject, folder / "all.npy", examples.labels, numeric
        ),
    }
    if options.no_reload:
        del contestants["reload loop"]
    # One thread is timed by its own CPU clock, which other programs do not stop.
    clock = time.process_time if options.threads == 1 else time.perf_counter
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(options.rounds):
        names = list(contestants)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            start = clock()
            contestants[name]()
            seconds[name].append(clock() - start)
    each = 1e6 / (7 * len(examples))
    print(
        f"{examples.name}, {len(examples)} images x 7 conditions, {numeric}, batch {options.batch}"
    )
    for name, own in seconds.items():
        ratios = np.array(own) / np.array(seconds["bare"])
        print(
            f"{name:12} {np.median(own):7.2f} s [{min(own):.2f}, {max(own):.2f}]"
            f" {np.median(own) * each:7.0f} us an image"
            f"  {np.median(ratios):.3f} x bare [{ratios.min():.3f}, {ratios.max():.3f}]"
        )
    if not options.no_reload:
        faster = np.array(seconds["reload loop"]) / np.array(seconds["suite"])
        print(
            f"the suite is {np.median(faster):.2f} x as fast as the reload loop"
            f" [{faster.min():.2f}, {faster.max():.2f}]"
        )


if __name__ == "__main__":
    main()
