"""Two networks small enough to train in a second, and ways to ask them."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import yaml
from torch import nn

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import from_module, load
from acn_eval.data import Geometry, PrepareImages, data_root
from acn_eval.evaluation import DataSelection, choose, evaluate
from acn_eval.inference import ClassMap, EvaluatedModel, Runtime, class_map
from acn_eval.studies.compression.suite import Compression
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.training import Recipe, train

CPU = torch.device("cpu")
ARCH = {
    "kind": "vit",
    "connectivity": "acn",
    "depth": 2,
    "width": 16,
    "heads": 2,
    "hidden": 32,
    "image_size": 8,
    "patch": 4,
    "channels": 1,
    "classes": 10,
}
SUITE = """\
kind: robustness
name: small
corruptions:
  - {kind: gaussian, levels: [0.1, 0.3]}
  - {kind: salt_pepper, levels: [0.1]}
  - {kind: motion_blur, levels: [3]}
repeats: 1
"""
BREAKS_DOWN = {"learning_rate": 100, "weight_decay": 100}
"""The largest that a recipe may state: every step multiplies weights by thousands."""
START = "from acn_eval.cli.main import main; main()"


def recipe(**changes):
    arch = {**ARCH, **changes.pop("arch", {})}
    fields = {"steps": 60, "batch": 64, "learning_rate": 0.01, "warmup": 10, **changes}
    return Recipe.model_validate({"arch": arch, **fields})


def train_pair(folder: Path):
    twins = {"tiny_ac.pt": ("acn", "tiny_res.pt"), "tiny_res.pt": ("residual", "tiny_ac.pt")}
    for name, (connectivity, pair) in twins.items():
        plan = recipe(arch={"connectivity": connectivity}, pair=pair)
        train(plan, folder / name, device=CPU)


def train_on_cifar(folder: Path, connectivity: str):
    """Train a network that reads CIFAR-10 for some seconds; return its file."""
    arch = {"connectivity": connectivity, "width": 32, "image_size": 32, "patch": 8, "channels": 3}
    file = folder / f"cifar_{connectivity}.pt"
    plan = recipe(arch=arch, data="cifar10", steps=150, learning_rate=0.003)
    train(plan, file, device=CPU, root=data_root())
    return str(file)


def checkpoint(folder, name="tiny_ac", device=CPU):
    loaded = load(str(folder / f"{name}.pt"))
    loaded.model.to(device)
    return loaded


def digits(n=None):
    """The test digits in the order of an evaluation."""
    return choose([], DataSelection(data="digits", limit=n))


def subject(checkpoint, examples=None):
    if examples is None:
        every = tuple(range(len(checkpoint.classes)))
        return EvaluatedModel(checkpoint, ClassMap(every, restricted=False))
    return EvaluatedModel(checkpoint, class_map(checkpoint, examples))


class Counting(nn.Module):
    """Passes on to a network and counts the images that went through."""

    def __init__(self, inner, largest=None):
        super().__init__()
        self.inner, self.largest, self.images, self.calls = inner, largest, 0, []

    def forward(self, images):
        self.calls.append(len(images))
        if self.largest is not None and len(images) > self.largest:
            msg = "a GPU that is too small"
            raise torch.OutOfMemoryError(msg)
        self.images += len(images)
        return self.inner(images)


def counting(checkpoint, largest=None):
    """Return the checkpoint with a counting network; everything else is as it was."""
    return replace(checkpoint, model=Counting(checkpoint.model, largest))


def environment(folder: Path, **more):
    """What a process of its own sees: a cache inside the folder, one thread, no colours."""
    plain = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "COLUMNS"}}
    return {**plain, "ACN_EVAL_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1", **more}


def start(folder: Path, *arguments, code=START, **options):
    """Start acn-eval in a folder, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env={**environment(folder), "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(folder: Path, *arguments, **options):
    """Run acn-eval in a folder to its end; returns (exit code, stdout, stderr)."""
    process = start(folder, *arguments, **options)
    out, err = process.communicate(timeout=100)
    return process.returncode, out, err


def compression_pair(folder, limit=60):
    """Results of the tiny pair over depth, its latencies hardly measured."""
    suite = yaml.safe_load(SUITE) | {"corruptions": yaml.safe_load(SUITE)["corruptions"][:2]}
    depth = Compression(name="exits", noise=Robustness.model_validate(suite), seconds=1e-6)
    pair = [checkpoint(folder, name) for name in ("tiny_ac", "tiny_res")]
    with TemporaryDirectory() as cache:
        runtime = Runtime(CPU, store=OutcomeCache(Path(cache)))
        return evaluate(pair, depth, DataSelection(limit=limit), runtime=runtime)


def linear(seed=0, classes=tuple("0123456789"), data="digits", name="linear"):
    layer = torch.nn.Linear(64, len(classes))
    with torch.no_grad():
        generator = torch.Generator().manual_seed(seed)
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
    prepare = PrepareImages(Geometry(8, 1), (0.3,), (0.4,))
    module = torch.nn.Sequential(torch.nn.Flatten(), layer)
    return from_module(module, name=name, classes=classes, prepare=prepare, data=data)


def npz(folder, classes, n=30, side=8):
    rng = np.random.default_rng(0)
    path = folder / "own.npz"
    images = rng.integers(0, 256, (n, side, side), dtype=np.uint8)
    labels = np.arange(n) % len(classes)
    np.savez(path, images=images, labels=labels, classes=np.array(classes))
    return f"npz:{path}"
