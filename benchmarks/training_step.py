"""What a training step costs, beside the loop that a user would write.

    python benchmarks/training_step.py [RECIPE ...] [--rounds 5] [--threads N] [--seconds 2]

A recipe is a file, or `vit` or `mixer`: depth 12 or 16, width 128, patch 4, on CIFAR-10. The
contestants, each on batches of the recipe:
  plain   DataLoader with torchvision's transforms, AdamW as it comes, clipping, `loss.item()`, in
          fp32, malloc as it is
  bare    the same on a batch that is ready
  before  the steps of `acn-eval train` in fp32, malloc as it is
  fp32    the same as the command runs them, with its allocation
  bf16    the same in bf16, where the processor computes in it
Each has a process of its own, because an allocator is chosen for a process; the processes take
turns, in an order that rotates from round to round. Ours takes as many threads as its rule says,
plain and bare those of torch; `--threads` gives all of them the same number. One thread is timed
by its own CPU clock, which other programs do not stop, several by the wall clock. Medians and
ranges over the rounds; the ratios are taken round by round. CIFAR-10 needs ACN_EVAL_DATA.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path

import numpy as np
import torch
from machine import facts
from numpy.typing import NDArray
from suite_overhead import race
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, default_collate
from torchvision.transforms import v2

from acn_eval.allocation import keep_freed_memory
from acn_eval.data import Examples, PrepareImages
from acn_eval.inference.precision import has_bf16
from acn_eval.models import build
from acn_eval.shipped import shipped
from acn_eval.training import Recipe, read_recipe
from acn_eval.training.fit import advance, start, task_of
from acn_eval.training.sources import open_split, prepare_for
from acn_eval.training.threads import fitting_threads, forward_flops

CPU = torch.device("cpu")
CONTESTANTS = ("plain", "bare", "before", "fp32", "bf16")
SHIPPED = ("cifar10/ac_mixer", "cifar10/res_mixer", "ac_vit", "res_vit", "ac_mixer", "res_mixer")
SIZES = {"width": 128, "patch": 4, "image_size": 32, "channels": 3, "connectivity": "acn"}
LARGE = {
    "vit": {"kind": "vit", "depth": 12, "hidden": 512, "heads": 4},
    "mixer": {"kind": "mixer", "depth": 16, "token_hidden": 64, "channel_hidden": 512},
}


def recipe_of(name: str) -> Recipe:
    if name in LARGE:
        schedule = {"data": "cifar10", "batch": 128, "augment": {"crop_padding": 4, "flip": True}}
        return Recipe.model_validate({"arch": {**SIZES, **LARGE[name]}, **schedule})
    file = Path(name)
    return read_recipe(file if file.is_file() else shipped("checkpoints") / f"{name}.yaml")


class Pictures:
    """A data set as torch's loaders read it: augmented images and labels."""

    def __init__(self, recipe: Recipe, examples: Examples, prepare: PrepareImages) -> None:
        self.images = examples.read(slice(None), prepare.spec)
        self.labels = examples.labels
        side, own = recipe.arch.image_size, recipe.augment
        some = [v2.RandomCrop(side, padding=own.crop_padding)] if own.crop_padding else []
        some += [v2.RandomHorizontalFlip()] if own.flip else []
        scaled = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(prepare.mean, prepare.std)]
        self.transform = v2.Compose([*some, *scaled])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.transform(self.images[i]), int(self.labels[i])


def batches(recipe: Recipe, pictures: Pictures) -> Iterator[tuple[Tensor, Tensor]]:
    own = v2.RandomApply([v2.CutMix(num_classes=recipe.arch.classes)], p=recipe.augment.cutmix)

    def collate(parts: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
        return own(*default_collate(parts))

    loader = DataLoader(pictures, recipe.batch, shuffle=True, drop_last=True, collate_fn=collate)
    while True:
        yield from loader


def plain(recipe: Recipe, source: Iterator[tuple[Tensor, Tensor]]) -> Callable[[], float]:
    """Return the step that a user would write."""
    network = start(recipe, CPU).network
    rate, decay = recipe.learning_rate, recipe.weight_decay
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.steps)

    def step() -> float:
        images, labels = next(source)
        optimizer.zero_grad()
        loss = cross_entropy(network(images), labels, label_smoothing=recipe.label_smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        optimizer.step()
        schedule.step()
        return loss.item()

    return step


def step_of(name: str, recipe: Recipe) -> Callable[[], object]:
    """Return one training step of a contestant."""
    examples = open_split(recipe, "train", None)
    prepare = prepare_for(recipe, examples)
    if name in {"plain", "bare"}:
        source = batches(recipe, Pictures(recipe, examples, prepare))
        return plain(recipe, source if name == "plain" else repeat(next(source)))
    precision = "bf16" if name == "bf16" else "fp32"
    fit = start(recipe.model_copy(update={"precision": precision}), CPU)
    task = task_of(recipe, examples, prepare)
    return lambda: advance(fit, task)


def contest(name: str, recipe: Recipe, options: argparse.Namespace) -> None:
    """Be a contestant: for each line that is read, print seconds and page faults of a step."""
    if name in {"fp32", "bf16"}:
        keep_freed_memory()
    step, network = step_of(name, recipe), build(recipe.arch)
    clock = time.process_time if options.threads == 1 else time.perf_counter
    with fitting_threads(network, recipe.batch):
        if options.threads or name in {"plain", "bare"}:
            torch.set_num_threads(options.threads or options.default)
        for _ in range(2):
            step()
        begin = time.perf_counter()
        step()
        steps = 1 + int(options.seconds / (time.perf_counter() - begin))
        for _ in sys.stdin:
            faults, begin = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, clock()
            for _ in range(steps):
                step()
            seconds = (clock() - begin) / steps
            faults = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults) / steps
            print(seconds, faults, flush=True)


def started(name: str, recipe: str, options: argparse.Namespace) -> subprocess.Popen[str]:
    again = [sys.executable, __file__, recipe, "--contestant", name]
    chosen = {"threads": options.threads, "seconds": options.seconds, "default": options.default}
    given = [f"--{key}={value}" for key, value in chosen.items()]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([*again, *given], **pipes)


def show(name: str, recipe: Recipe, measured: dict[str, NDArray]) -> None:
    epoch = len(open_split(recipe, "train", None)) / recipe.batch
    flops = forward_flops(build(recipe.arch), recipe.batch)
    print(f"\n{name}: batch {recipe.batch}, {flops:.1e} FLOPs of a forward pass")
    for contestant, own in measured.items():
        low, middle, high = 1000 * np.quantile(own[:, 0], [0, 0.5, 1])
        times = [f"{label} {_ratio(own, measured[label])}" for label in ("plain", "bare")]
        print(
            f"{contestant:7}{middle:8.1f} ms [{low:.1f}, {high:.1f}]  {', '.join(times)}"
            f"  {middle * epoch / 1000:7.2f} s an epoch  {own[-1, 1]:7.0f} page faults a step"
        )


def _ratio(one: NDArray, other: NDArray) -> str:
    low, middle, high = np.quantile(one[:, 0] / other[:, 0], [0, 0.5, 1])
    return f"{middle:.2f} x [{low:.2f}, {high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=[*LARGE, *SHIPPED])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a turn, about")
    parser.add_argument("--default", type=int, default=torch.get_num_threads())
    parser.add_argument("--contestant", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contestant:
        contest(options.contestant, recipe_of(options.recipes[0]), options)
        return
    print(facts())
    print(f"threads: {options.threads or 'by the rule, plain and bare those of torch'}")
    names = [name for name in CONTESTANTS if name != "bf16" or has_bf16(CPU)]
    for recipe in options.recipes:
        processes = {name: started(name, recipe, options) for name in names}
        show(recipe, recipe_of(recipe), race(processes, options.rounds))


if __name__ == "__main__":
    main()
