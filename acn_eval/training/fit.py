"""The one training loop: AdamW, warm-up and cosine per step, exact resume."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from acn_eval.atomic import replacing
from acn_eval.checkpoints.card import Card, Training
from acn_eval.checkpoints.native import Native, write_native
from acn_eval.checkpoints.pickles import read_pickle
from acn_eval.data import Examples, Geometry, Split, channel_moments, open_examples
from acn_eval.errors import CheckpointError, ConfigError, MeasureError, Stopped
from acn_eval.models import Encoder, build, initialise, require_finite
from acn_eval.seeds import seed_for
from acn_eval.training.batches import batch_of
from acn_eval.training.exit_loss import exit_weights, weighted_loss
from acn_eval.training.interrupts import held_back
from acn_eval.training.recipe import Recipe

__all__ = [
    "Fit",
    "Scale",
    "accuracy_of",
    "advance",
    "finite",
    "learning_rate",
    "loop",
    "open_split",
    "optimizer_of",
    "start",
    "train",
]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_SPLITS: tuple[Split, Split] = ("train", "validation")
_DATA_ORDER = "epoch permutations v1"


@dataclass
class Fit:
    """A training in progress.

    Attributes:
        done: steps that are done.
        seconds: wall time that they took, over all resumes.
        best: best accuracy on validation so far, with its step and weights.
    """

    recipe: Recipe
    device: torch.device
    network: Encoder
    optimiser: torch.optim.AdamW
    scaler: torch.amp.GradScaler
    done: int = 0
    seconds: float = 0.0
    best: dict[str, Any] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """Everything that a resume needs; randomness is keyed by step and needs no state."""
        return {
            "question": _question(self.recipe),
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "done": self.done,
            "seconds": self.seconds,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.done, self.seconds, self.best = state["done"], state["seconds"], state["best"]


def train(
    recipe: Recipe,
    out: Path,
    *,
    device: torch.device,
    root: Path | None = None,
    save_every: float = 300.0,
    progress: Callable[[int, float], None] = lambda done, loss: None,
) -> Card:
    """Train a recipe, write the checkpoint to `out`, and return its card.

    Every `save_every` seconds, and on Ctrl-C, the state goes to ``<out>.resume``; a killed
    training takes it up and ends, on CPU, with the same weights bit for bit. The test split is
    never opened.

    Raises:
        ConfigError: the recipe does not fit its data, or ``<out>.resume`` another recipe.
        MeasureError: the loss is no longer finite.
    """
    splits = [open_split(recipe, split, root) for split in _SPLITS]
    splits[1].labelled_as(splits[0])
    geometry = Geometry(recipe.arch.image_size, recipe.arch.channels)
    mean, std = channel_moments(splits[0], geometry)
    fit = start(recipe, device)
    resume = out.with_name(out.name + ".resume")
    if resume.is_file():
        fit.restore(_matching(resume, recipe))
    scale = Scale(mean, std, device)
    with held_back() as interrupted:
        saver = _Saver(resume, save_every, interrupted)
        loop(fit, splits, geometry, scale, saver, progress)
    card = _card(fit, splits, (mean, std))
    state = {k: _stored(v, recipe.weights) for k, v in _selected(fit).items()}
    write_native(out, Native(card, state, torch.from_numpy(splits[0].hashes)))
    resume.unlink(missing_ok=True)
    return card


def learning_rate(recipe: Recipe, step: int) -> float:
    """Linear warm-up, then cosine to 0, at a step 0 .. steps - 1."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2


class Scale:
    """Subtracts the mean and divides by the std of every channel, on the device."""

    def __init__(
        self, mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
    ) -> None:
        self.mean = torch.tensor(mean, device=device).view(-1, 1, 1)
        self.std = torch.tensor(std, device=device).view(-1, 1, 1)

    def __call__(self, images: Tensor) -> Tensor:
        """Images in [0, 1] to the input of a network."""
        return (images.to(self.mean.device) - self.mean) / self.std


@dataclass
class _Saver:
    path: Path
    every: float
    interrupted: Callable[[], bool]
    last: float = field(default_factory=time.monotonic)

    def __call__(self, fit: Fit) -> None:
        if self.interrupted():
            self.now(fit)
            kept = f"{fit.done:,} of {fit.recipe.steps:,} training steps are kept in {self.path}"
            raise Stopped(f"{kept}. The same command goes on from there.")
        if time.monotonic() - self.last >= self.every:
            self.now(fit)

    def now(self, fit: Fit) -> None:
        with replacing(self.path) as part, part.open("wb") as file:
            torch.save(fit.state(), file)
        self.last = time.monotonic()


def loop(
    fit: Fit,
    splits: Sequence[Examples],
    geometry: Geometry,
    scale: Scale,
    after: Callable[[Fit], None],
    progress: Callable[[int, float], None],
) -> None:
    """Train to the last step.

    Args:
        fit: where it stands.
        splits: what is learned from, and what weights are selected on.
        geometry: of the pictures.
        scale: from pixels in [0, 1] to the input of the network.
        after: called after every step.
        progress: told (steps done, loss) every 50 steps.

    Raises:
        MeasureError: the loss is no longer finite.
    """
    recipe, (examples, validation) = fit.recipe, splits
    begin = time.monotonic() - fit.seconds
    while fit.done < recipe.steps:
        loss = advance(fit, examples, geometry, scale)
        fit.seconds = time.monotonic() - begin
        if fit.done % 50 == 0 or fit.done == recipe.steps:
            progress(fit.done, finite(loss, fit.done))
        if fit.done in recipe.looked_at:
            _look(fit, validation, geometry, scale)
        after(fit)


def advance(fit: Fit, examples: Examples, geometry: Geometry, scale: Scale) -> Tensor:
    """Do one step, and return its loss ()."""
    batch = batch_of(fit.recipe, examples, geometry, fit.done)
    loss = _step(fit, scale(batch.images), batch.targets.to(fit.device))
    fit.done += 1
    return loss


def _step(fit: Fit, images: Tensor, targets: Tensor) -> Tensor:
    recipe = fit.recipe
    for group in fit.optimiser.param_groups:
        group["lr"] = learning_rate(recipe, fit.done)
    dtype = _DTYPES[recipe.precision]
    with torch.autocast(fit.device.type, dtype, enabled=dtype != torch.float32):
        loss = _loss(fit, images, targets)
    fit.optimiser.zero_grad(set_to_none=True)
    fit.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    fit.scaler.unscale_(fit.optimiser)
    nn.utils.clip_grad_norm_(fit.network.parameters(), recipe.clip)
    fit.scaler.step(fit.optimiser)
    fit.scaler.update()
    return loss.detach()


def _loss(fit: Fit, images: Tensor, targets: Tensor) -> Tensor:
    recipe = fit.recipe
    if recipe.exit_loss == "last":  # the same number as below, without the other exits' heads
        logits = fit.network(images).float()
        return cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing)
    weights = exit_weights(recipe.exit_loss, recipe.arch.depth)
    exits = fit.network.exits(images)
    return weighted_loss(exits, targets, weights, recipe.label_smoothing)


def finite(loss: Tensor, step: int) -> float:
    """Return the loss, or its mean where there are several.

    Raises:
        MeasureError: one is not finite.
    """
    value = float(loss.mean())
    if not math.isfinite(value):
        msg = f"training: the loss must be finite; got {value} at step {step}. Lower the rate."
        raise MeasureError(msg)
    return value


@torch.no_grad()
def accuracy_of(network: nn.Module, examples: Examples, geometry: Geometry, scale: Scale) -> float:
    """Return the share of the examples that a network gets right; 0 of none.

    Raises:
        MeasureError: logits that are NaN or infinite.
    """
    correct = 0
    for begin in range(0, len(examples), 256):
        where = np.arange(begin, min(begin + 256, len(examples)))
        images = examples.read(where, geometry).to(torch.float32) / 255
        logits = require_finite(network(scale(images)), "training")
        predicted = logits.argmax(1).cpu().numpy()
        correct += int((predicted == examples.labels[where]).sum())
    return correct / max(1, len(examples))


@torch.no_grad()
def _look(fit: Fit, validation: Examples, geometry: Geometry, scale: Scale) -> None:
    fit.network.eval()
    accuracy = accuracy_of(fit.network, validation, geometry, scale)
    fit.network.train()
    if fit.recipe.select == "last" or accuracy > fit.best.get("accuracy", -1.0):
        weights = {k: v.detach().clone() for k, v in fit.network.state_dict().items()}
        fit.best = {"accuracy": accuracy, "step": fit.done, "weights": weights}


def open_split(recipe: Recipe, split: Split, root: Path | None) -> Examples:
    """Open a split of a recipe's data, with the recipe's classes.

    Raises:
        ConfigError: the network has another number of classes.
        DataError: the data is not there.
    """
    examples = open_examples(recipe.data, split, root)
    if recipe.classes:
        examples = examples.only(recipe.classes)
    if recipe.arch.classes != len(examples.classes):
        have = len(examples.classes)
        msg = f"recipe: arch.classes must be {have} for this data; got {recipe.arch.classes}"
        raise ConfigError(msg)
    return examples


def start(recipe: Recipe, device: torch.device) -> Fit:
    """Return a training whose network is initialised from the recipe's seed."""
    network = initialise(build(recipe.arch), seed_for("init", recipe.seed)).to(device).train()
    decayed = [p for p in network.parameters() if p.dim() > 1]
    rest = [p for p in network.parameters() if p.dim() <= 1]
    optimiser = optimizer_of(recipe, decayed, rest)
    scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
    return Fit(recipe, device, network, optimiser, scaler)


def optimizer_of(recipe: Recipe, decayed: list[Any], rest: list[Any]) -> torch.optim.AdamW:
    """Return AdamW; weights of maps decay, biases, norms and other vectors do not."""
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(
        groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )


def _question(recipe: Recipe) -> str:
    """Return everything that decides the weights."""
    return recipe.model_dump_json(exclude={"paired_seeds"})


def _matching(path: Path, recipe: Recipe) -> dict[str, Any]:
    state = read_pickle(path)
    if not isinstance(state, dict) or "question" not in state:
        raise CheckpointError(f"{path}: must be the state of a training; remove it to start anew")
    if state["question"] != _question(recipe):
        msg = (
            f"{path}: is the state of another recipe or seed. Remove it, or choose another --out."
        )
        raise ConfigError(msg)
    return state


def _selected(fit: Fit) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = fit.best["weights"]
    return weights


def _stored(tensor: Tensor, weights: str) -> Tensor:
    return tensor.cpu().to(_DTYPES[weights]) if tensor.is_floating_point() else tensor.cpu()


def _card(
    fit: Fit, splits: list[Examples], moments: tuple[tuple[float, ...], tuple[float, ...]]
) -> Card:
    recipe = fit.recipe
    at = f" at step {fit.best['step']}" if recipe.select == "validation" else ""
    training = Training(
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        data_order=_DATA_ORDER,
        steps=fit.done,
        examples=fit.done * recipe.batch,
        seconds=round(fit.seconds, 1),
        selected=recipe.select + at,
        validation_accuracy=fit.best["accuracy"],
        validation_n=len(splits[1]),
    )
    return Card(
        arch=recipe.arch,
        data=recipe.data,
        data_fingerprint=splits[0].fingerprint,
        classes=splits[0].classes,
        named=splits[0].named,
        mean=moments[0],
        std=moments[1],
        pair=recipe.pair,
        training=training,
    )
