"""What one training step takes here, and about what it would take on one GPU."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image

from acn_eval.checkpoints.preparation import geometry_of
from acn_eval.data import Examples
from acn_eval.data.folder import FileImages
from acn_eval.data.geometry import Geometry, PrepareImages
from acn_eval.data.images import ArrayImages
from acn_eval.data.sentences import Sentences, SentenceSpec
from acn_eval.data.tokens import SPECIAL, PrepareTokens, Vocabulary
from acn_eval.inputs import Inputs
from acn_eval.models import build
from acn_eval.models.bert import BertConfig
from acn_eval.models.cost import cost
from acn_eval.tokens import Tokens
from acn_eval.training.fit import advance, start, task_of
from acn_eval.training.masked import ASKED
from acn_eval.training.recipe import Recipe
from acn_eval.training.tasks import Task
from acn_eval.training.threads import fitting_threads

__all__ = ["GPU_RATE", "PER_BLOCK", "StepTime", "step_time"]

GPU_RATE = {"fp32": 1e13, "bf16": 1e14, "fp16": 1e14}
"""FLOP/s that one data center GPU is taken to sustain: half of an A100's peak in fp32, a third of
it in bf16."""
PER_BLOCK = 1e-3
"""Seconds that a GPU takes at least for one block in one step: about 100 kernels, forward and
backward, launched one after another in 10 microseconds each."""
_TIMED = 1e12  # FLOPs of a step; of a larger one, fewer examples are timed
_LOOKS = 3
_SENTENCE = 26  # tokens
_FILE = (500, 375)  # width and height of a JPEG, about the mean of ImageNet's


@dataclass(frozen=True)
class StepTime:
    """Seconds of one step, without any of its data: examples are made up.

    Sentences with classes have 26 tokens, about the mean of SST-2's dev set.

    Attributes:
        images: examples of the steps that were timed; times are scaled to the recipe's batch.
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
    each = 3 * cost(network, _shown(recipe)).flops
    images = max(1, min(recipe.batch, int(_TIMED / max(each, 1))))
    scale, flops = recipe.batch / images, float(each * recipe.batch)
    with _made_up(recipe, images) as task, fitting_threads(network, 0):  # one thread
        reading = scale * _reading(task)
        here = scale * _stepping(recipe, task, device)
    if torch.cuda.is_available():
        gpu = _on_gpu(recipe)
    else:
        gpu = reading + max(flops / GPU_RATE[recipe.precision], PER_BLOCK * arch.depth)
    return StepTime(images, flops, reading, here, gpu, not torch.cuda.is_available())


def _on_gpu(recipe: Recipe) -> float:
    with _made_up(recipe, recipe.batch) as task:
        return _stepping(recipe, task, torch.device("cuda"))


def _stepping(recipe: Recipe, task: Task, device: torch.device) -> float:
    fit = start(recipe.model_copy(update={"start_from": None}), device)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    # `item` waits for the device.
    return _median(lambda: advance(fit, task).item(), clock)


def _reading(task: Task) -> float:
    steps, cpu = count(), torch.device("cpu")
    return _median(lambda: task.batch(next(steps), cpu), time.process_time)


def _median(act: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return the seconds of an act, the first of which is not counted."""
    times = []
    for _ in range(1 + _LOOKS):
        begin = clock()
        act()
        times.append(clock() - begin)
    return median(times[1:])


@contextmanager
def _made_up(recipe: Recipe, n: int) -> Iterator[Task]:
    """Yield the task of n random examples."""
    timed = recipe.model_copy(update={"batch": n, "start_from": None, "vocabulary": None})
    if isinstance(recipe.arch, BertConfig):
        yield _of_words(timed, recipe.arch)
        return
    geometry = geometry_of(recipe.arch)
    channels = geometry.channels
    prepare = PrepareImages(geometry, (0.5,) * channels, (0.5,) * channels)
    with TemporaryDirectory() as folder:
        examples = _examples(timed, _images(timed, geometry, Path(folder)))
        yield task_of(timed, examples, prepare)


def _images(recipe: Recipe, geometry: Geometry, folder: Path) -> ArrayImages | FileImages:
    """Return files where the recipe reads some, else images of its own size."""
    rng = np.random.default_rng(0)
    if recipe.data.startswith("folder:"):
        return FileImages(folder, [_photograph(folder, rng)] * recipe.batch)
    channels, *sides = geometry.shape
    size = (recipe.batch, *sides, channels)
    return ArrayImages(rng.integers(256, size=size, dtype=np.uint8))


def _of_words(recipe: Recipe, arch: BertConfig) -> Task:
    """Return the task of sentences that are random words, each of which is a piece."""
    words = [f"w{i}" for i in range(arch.vocabulary - len(SPECIAL))]
    drawn = np.random.default_rng(0).choice(words, (recipe.batch, _tokens(recipe) - 2))
    prepare = PrepareTokens(SentenceSpec(), Vocabulary((*SPECIAL, *words)), arch.positions)
    texts = Sentences([(" ".join(own),) for own in drawn])
    return task_of(recipe, _examples(recipe, texts), prepare)


def _examples(recipe: Recipe, inputs: Inputs) -> Examples:
    ids = np.arange(recipe.batch, dtype=np.int64)
    names = tuple(map(str, range(recipe.arch.classes)))
    return Examples(recipe.data, "train", ids, ids % recipe.arch.classes, names, inputs, ids)


def _tokens(recipe: Recipe) -> int:
    """Return the tokens of a sentence: a packed sequence is full."""
    most = recipe.arch.tokens
    return most if recipe.masked else min(most, _SENTENCE)


def _shown(recipe: Recipe) -> Any:
    """Return an example without content, as the network reads it in a step."""
    if not isinstance(recipe.arch, BertConfig):
        return recipe.arch.blank(1)
    blank = Tokens.blank(1, tokens := _tokens(recipe))
    return replace(blank, asked=torch.arange(tokens)[None] < ASKED * tokens)


def _photograph(folder: Path, rng: np.random.Generator) -> str:
    """Write a JPEG of coarse shapes with some grain, as large as a photograph; return its name."""
    file = folder / "photograph.jpg"
    shapes = Image.fromarray(rng.integers(256, size=(12, 16, 3), dtype=np.uint8))
    pixels = np.asarray(shapes.resize(_FILE, Image.Resampling.BICUBIC), np.float64)
    grained = pixels + rng.normal(0, 8, pixels.shape)
    Image.fromarray(grained.clip(0, 255).astype(np.uint8)).save(file, quality=90)
    return file.name
