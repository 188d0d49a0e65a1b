"""The one training loop: AdamW, warm-up and cosine per step, exact resume."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from acn_eval.atomic import replacing
from acn_eval.checkpoints.card import Card, Training
from acn_eval.checkpoints.native import Native, write_native
from acn_eval.checkpoints.preparation import geometry_of
from acn_eval.checkpoints.weight_files import read_pickle
from acn_eval.data import Examples, PrepareImages, Split, channel_moments, open_examples
from acn_eval.errors import CheckpointError, ConfigError, MeasureError, Stopped
from acn_eval.inference.memory import Batches
from acn_eval.inference.outputs import outputs
from acn_eval.inference.profile import NumericProfile
from acn_eval.models import Encoder, build, initialize
from acn_eval.seeds import seed_for
from acn_eval.training.batches import batch_of
from acn_eval.training.exit_loss import exit_weights, weighted_loss
from acn_eval.training.interrupts import interrupts_held_back
from acn_eval.training.recipe import Recipe
from acn_eval.training.threads import fitting_threads

__all__ = [
    "Fit",
    "accuracy_of",
    "advance",
    "answered_right",
    "finite",
    "learning_rate",
    "loop",
    "open_split",
    "optimizer_of",
    "prepare_for",
    "start",
    "train",
]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_BATCH = 256  # images of a forward pass
_OLD_KEYS = {"question": "recipe", "optimiser": "optimizer"}  # of states before 0.2
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
    optimizer: torch.optim.AdamW
    scaler: torch.amp.GradScaler
    done: int = 0
    seconds: float = 0.0
    best: dict[str, Any] = field(default_factory=dict)

    def state(self) -> dict[str, Any]:
        """Return everything that a resume needs; randomness is keyed by step and has no state."""
        return {
            "recipe": _weights_decided_by(self.recipe),
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "done": self.done,
            "seconds": self.seconds,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
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

    Every `save_every` seconds, and on Ctrl-C, the state is written to ``<out>.resume``; a killed
    training resumes from it and ends, on a CPU, with the same weights bit for bit. The test split
    is never opened.

    Raises:
        ConfigError: the recipe does not fit its data, or ``<out>.resume`` another recipe.
        MeasureError: the loss is no longer finite.
    """
    splits = [open_split(recipe, split, root) for split in _SPLITS]
    splits[1].labeled_as(splits[0])
    prepare = prepare_for(recipe, splits[0])
    fit = start(recipe, device)
    resume = out.with_name(out.name + ".resume")
    if resume.is_file():
        fit.restore(_read_state(resume, recipe))
    with interrupts_held_back() as interrupted:
        saver = _Saver(resume, save_every, interrupted)
        loop(fit, splits, prepare, saver, progress)
    state = {k: _cast(v, recipe.weights) for k, v in fit.best["weights"].items()}
    if recipe.weights != "fp32":
        fit.best |= {"accuracy": _accuracy_as_stored(fit, state, splits[1], prepare)}
    card = _card(fit, splits, prepare)
    write_native(out, Native(card, state, torch.from_numpy(splits[0].hashes)))
    resume.unlink(missing_ok=True)
    return card


def prepare_for(recipe: Recipe, examples: Examples) -> PrepareImages:
    """Return the preparation for a recipe's network, with the moments of its training images.

    Raises:
        ConfigError: the network reads no images.
        DataError: there are no examples, or a channel is the same everywhere.
    """
    geometry = geometry_of(recipe.arch)
    return PrepareImages(geometry, *channel_moments(examples, geometry))


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate at a step 0 .. steps - 1: linear warm-up, then cosine to 0."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2


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
            raise Stopped(f"{kept}. The same command resumes from there.")
        if time.monotonic() - self.last >= self.every:
            self.now(fit)

    def now(self, fit: Fit) -> None:
        with replacing(self.path) as part, part.open("wb") as file:
            torch.save(fit.state(), file)
        self.last = time.monotonic()


def loop(
    fit: Fit,
    splits: Sequence[Examples],
    prepare: PrepareImages,
    after: Callable[[Fit], None],
    progress: Callable[[int, float], None],
) -> None:
    """Train to the last step.

    Args:
        fit: the training in progress.
        splits: training images, and those on which weights are selected.
        prepare: from an image to the input of the network.
        after: called after every step.
        progress: called with (steps done, loss) every 50 steps.

    Raises:
        MeasureError: the loss is no longer finite.
    """
    recipe, (examples, validation) = fit.recipe, splits
    begin = time.monotonic() - fit.seconds
    with fitting_threads(fit.network, recipe.batch):
        while fit.done < recipe.steps:
            loss = advance(fit, examples, prepare)
            fit.seconds = time.monotonic() - begin
            if fit.done % 50 == 0 or fit.done == recipe.steps:
                progress(fit.done, finite(loss, fit.done))
            if fit.done in recipe.looked_at:
                _select(fit, validation, prepare)
            after(fit)


def advance(fit: Fit, examples: Examples, prepare: PrepareImages) -> Tensor:
    """Do one step, and return its loss ()."""
    batch = batch_of(fit.recipe, examples, prepare.spec, fit.done)
    images = prepare.normalize(batch.images.to(fit.device))
    loss = _step(fit, images, batch.targets.to(fit.device))
    fit.done += 1
    return loss


def _step(fit: Fit, images: Tensor, targets: Tensor) -> Tensor:
    recipe = fit.recipe
    for group in fit.optimizer.param_groups:
        group["lr"] = learning_rate(recipe, fit.done)
    dtype = _DTYPES[recipe.precision]
    with torch.autocast(fit.device.type, dtype, enabled=dtype != torch.float32):
        loss = _loss(fit, images, targets)
    fit.optimizer.zero_grad(set_to_none=True)
    fit.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    fit.scaler.unscale_(fit.optimizer)
    nn.utils.clip_grad_norm_(fit.network.parameters(), recipe.clip)
    fit.scaler.step(fit.optimizer)
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


def accuracy_of(
    network: nn.Module, examples: Examples, prepare: PrepareImages, device: torch.device
) -> float:
    """Return the accuracy of a network on examples; 0 without any.

    Raises:
        MeasureError: logits that are NaN or infinite.
    """
    right = answered_right(network, examples, prepare, device)
    return int(right.sum()) / max(1, len(right))


def answered_right(
    network: nn.Module, examples: Examples, prepare: PrepareImages, device: torch.device
) -> NDArray[np.bool_]:
    """Return for every example (n,) whether its class is predicted, in fp32.

    Raises:
        MeasureError: logits that are NaN or infinite.
    """
    right, batches = np.zeros(len(examples), np.bool_), Batches(_BATCH, device)
    for where, logits in outputs(network, examples, prepare, batches, name="training"):
        right[where] = logits.argmax(1).cpu().numpy() == examples.labels[where]
    return right


def _accuracy_as_stored(
    fit: Fit, state: dict[str, Tensor], validation: Examples, prepare: PrepareImages
) -> float:
    """Return the accuracy of the network that is read back from the file."""
    fit.network.load_state_dict(state)
    fit.network.eval()
    return accuracy_of(fit.network, validation, prepare, fit.device)


def _select(fit: Fit, validation: Examples, prepare: PrepareImages) -> None:
    """Keep the weights if they are the best on validation so far, or the last."""
    fit.network.eval()
    accuracy = accuracy_of(fit.network, validation, prepare, fit.device)
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
    """Return a training whose network is initialized from the recipe's seed."""
    network = initialize(build(recipe.arch), seed_for("init", recipe.seed)).to(device).train()
    decayed = [p for p in network.parameters() if p.dim() > 1]
    rest = [p for p in network.parameters() if p.dim() <= 1]
    optimizer = optimizer_of(recipe, decayed, rest)
    scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
    return Fit(recipe, device, network, optimizer, scaler)


def optimizer_of(recipe: Recipe, decayed: list[Any], rest: list[Any]) -> torch.optim.AdamW:
    """Return AdamW; matrices decay, biases, norms and other vectors do not."""
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(
        groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )


def _weights_decided_by(recipe: Recipe) -> str:
    """Return everything that decides the weights, as JSON."""
    return recipe.model_dump_json(exclude={"paired_seeds", "certificate"})


def _read_state(path: Path, recipe: Recipe) -> dict[str, Any]:
    state = read_pickle(path)
    if isinstance(state, dict):
        state = {_OLD_KEYS.get(key, key): value for key, value in state.items()}
    if not isinstance(state, dict) or "recipe" not in state:
        raise CheckpointError(f"{path}: must be the state of a training; remove it to start anew")
    if state["recipe"] != _weights_decided_by(recipe):
        msg = (
            f"{path}: is the state of another recipe or seed. Remove it, or choose another `out`."
        )
        raise ConfigError(msg, "out")
    return state


def _cast(tensor: Tensor, weights: str) -> Tensor:
    return tensor.cpu().to(_DTYPES[weights]) if tensor.is_floating_point() else tensor.cpu()


def _card(fit: Fit, splits: list[Examples], prepare: PrepareImages) -> Card:
    recipe = fit.recipe
    with fitting_threads(fit.network, recipe.batch):
        precision: Any = recipe.precision  # fp16, too, which no evaluation has
        profile = NumericProfile.here(fit.device, precision, recipe.batch)
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
        numeric_profile=profile.facts(),
    )
    return Card(
        arch=recipe.arch,
        data=recipe.data,
        data_fingerprint=splits[0].fingerprint,
        classes=splits[0].classes,
        named=splits[0].named,
        mean=prepare.mean,
        std=prepare.std,
        pair=recipe.pair,
        training=training,
    )
