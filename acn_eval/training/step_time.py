"""What one training step takes here, and about what it would take on one GPU."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from acn_eval.checkpoints.preparation import geometry_of
from acn_eval.data import Examples
from acn_eval.data.folder import FileImages
from acn_eval.data.images import ArrayImages
from acn_eval.models import build
from acn_eval.models.cost import cost
from acn_eval.training.batches import batch_of
from acn_eval.training.fit import advance, start
from acn_eval.training.recipe import Recipe
from acn_eval.training.threads import fitting_threads
from acn_eval.training.together import TrainingJob

__all__ = ["GPU_RATE", "PER_BLOCK", "StepTime", "step_time"]

GPU_RATE = {"fp32": 1e13, "bf16": 1e14, "fp16": 1e14}
"""FLOP/s that one data center GPU is taken to sustain: half of an A100's peak in fp32, a third of
it in bf16."""
PER_BLOCK = 1e-3
"""Seconds that a GPU takes at least for one block in one step: about 100 kernels, forward and
backward, launched one after another in 10 microseconds each."""
_TIMED = 1e12  # FLOPs of a step; of a larger one, fewer images are timed
_LOOKS = 3
_FILE = (500, 375)  # width and height of a JPEG, about the mean of ImageNet's


@dataclass(frozen=True)
class StepTime:
    """Seconds of one step, without any of its data: images are made up.

    Attributes:
        images: how many were in the steps that were timed; times are scaled to the recipe's batch.
        flops: of a whole step: 3 per FLOP of the forward pass.
        reading: of reading and augmenting a batch by one thread of this CPU, which is part of the
            other two.
        here: on this machine; on a CPU, of one core.
        gpu: timed where there is a GPU, else estimated.
        estimated: whether it is.
    """

    images: int
    flops: float
    reading: float
    here: float
    gpu: float
    estimated: bool


def step_time(recipe: Recipe, device: torch.device) -> StepTime:
    """Time a few steps of a recipe in its precision.

    A CPU is timed with one thread, by its own clock: other programs do not stop that one, while
    threads that wait for a core would take many times as long.

    On a GPU a step is estimated as reading, which it waits for, and the longer of its FLOPs at
    `GPU_RATE` and `PER_BLOCK` for each block.
    """
    arch, network = recipe.arch, build(recipe.arch)
    each = 3 * cost(network, arch.blank(1)).flops
    images = max(1, min(recipe.batch, int(_TIMED / max(each, 1))))
    scale, flops = recipe.batch / images, float(each * recipe.batch)
    with _made_up(recipe, images) as job, fitting_threads(network, 0):  # one thread
        reading = scale * _reading(job)
        here = scale * _stepping(job, device)
    if torch.cuda.is_available():
        gpu = _on_gpu(recipe)
    else:
        gpu = reading + max(flops / GPU_RATE[recipe.precision], PER_BLOCK * arch.depth)
    return StepTime(images, flops, reading, here, gpu, not torch.cuda.is_available())


def _on_gpu(recipe: Recipe) -> float:
    with _made_up(recipe, recipe.batch) as job:
        return _stepping(job, torch.device("cuda"))


def _stepping(job: TrainingJob, device: torch.device) -> float:
    fit = start(job.recipe, device)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    # `item` waits for the device.
    return _median(lambda: advance(fit, job.examples, job.prepare).item(), clock)


def _reading(job: TrainingJob) -> float:
    steps = count()
    return _median(
        lambda: batch_of(job.recipe, job.examples, job.prepare.spec, next(steps)),
        time.process_time,
    )


def _median(act: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the seconds of an act, the first of which is not counted."""
    times = []
    for _ in range(1 + _LOOKS):
        begin = clock()
        act()
        times.append(clock() - begin)
    return median(times[1:])


@contextmanager
def _made_up(recipe: Recipe, images: int) -> Iterator[TrainingJob]:
    """Yield a job of random images: files where the recipe reads some, else of its own size."""
    arch, rng, ids = recipe.arch, np.random.default_rng(0), np.arange(images, dtype=np.int64)
    names = tuple(map(str, range(arch.classes)))
    with TemporaryDirectory() as folder:
        if recipe.data.startswith("folder:"):
            inputs: ArrayImages | FileImages = FileImages(
                [_photograph(Path(folder), rng)] * images
            )
        else:
            channels, *sides = geometry_of(arch).shape
            size = (images, *sides, channels)
            inputs = ArrayImages(rng.integers(256, size=size, dtype=np.uint8))
        examples = Examples(recipe.data, "train", ids, ids % arch.classes, names, inputs, ids)
        timed = recipe.model_copy(update={"batch": images})
        yield TrainingJob(timed, examples, examples.at(ids[:0]))


def _photograph(folder: Path, rng: np.random.Generator) -> Path:
    """Write a JPEG of coarse shapes with some grain, as large on disk as a photograph."""
    file = folder / "photograph.jpg"
    shapes = Image.fromarray(rng.integers(256, size=(12, 16, 3), dtype=np.uint8))
    pixels = np.asarray(shapes.resize(_FILE, Image.Resampling.BICUBIC), np.float64)
    grained = pixels + rng.normal(0, 8, pixels.shape)
    Image.fromarray(grained.clip(0, 255).astype(np.uint8)).save(file, quality=90)
    return file
