"""The one training loop: AdamW, warm-up and cosine per step, exact resume."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from acn_eval.atomic import replacing
from acn_eval.checkpoints.card import Card, Training
from acn_eval.checkpoints.native import Native, write_native
from acn_eval.checkpoints.preparation import stated
from acn_eval.checkpoints.weight_files import read_pickle
from acn_eval.data.examples import Examples, Split
from acn_eval.data.geometry import PrepareImages
from acn_eval.data.tokens import PrepareTokens
from acn_eval.errors import CheckpointError, ConfigError, MeasureError, Stopped
from acn_eval.inference.profile import NumericProfile
from acn_eval.models import Encoder, build, initialize
from acn_eval.seeds import seed_for
from acn_eval.training.exit_loss import exit_weights, weighted_loss
from acn_eval.training.interrupts import interrupts_held_back
from acn_eval.training.masked import MaskedTokens
from acn_eval.training.recipe import Recipe
from acn_eval.training.sources import fill_from, open_split, prepare_for
from acn_eval.training.tasks import ImageClasses, Score, SentenceClasses, Task
from acn_eval.training.threads import fitting_threads

__all__ = [
    "Fit",
    "advance",
    "finite",
    "learning_rate",
    "loop",
    "optimizer_of",
    "start",
    "task_of",
    "train",
]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_OLD_KEYS = {"question": "recipe", "optimiser": "optimizer"}  # of states before 0.2
_SPLITS: tuple[Split, Split] = ("train", "validation")


@dataclass
class Fit:
    """A training in progress.

    Attributes:
        done: steps that are done.
        seconds: wall time that they took, over all resumes.
        tokens: that a network which reads text has seen.
        started_from: sha256 of the file of the recipe's `start_from`; "" if there is none.
        best: best score on validation so far, with its step and weights.
    """

    recipe: Recipe
    device: torch.device
    network: Encoder
    optimizer: torch.optim.AdamW
    scaler: torch.amp.GradScaler
    done: int = 0
    seconds: float = 0.0
    tokens: int = 0
    started_from: str = ""
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
            "tokens": self.tokens,
            "started_from": self.started_from,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.done, self.seconds, self.best = state["done"], state["seconds"], state["best"]
        self.tokens = state.get("tokens", 0)


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
    prepare = prepare_for(recipe, splits[0], root)
    fit, task = start(recipe, device), task_of(recipe, splits[0], prepare)
    resume = out.with_name(out.name + ".resume")
    if resume.is_file():
        fit.restore(_read_state(resume, fit))
    with interrupts_held_back() as interrupted:
        saver = _Saver(resume, save_every, interrupted)
        loop(fit, splits, prepare, saver, progress)
    state = {k: _cast(v, recipe.weights) for k, v in fit.best["weights"].items()}
    if recipe.weights != "fp32":
        fit.best |= _score_as_stored(fit, state, splits[1], task)._asdict()
    card = _card(fit, splits, prepare, task)
    write_native(out, Native(card, state, torch.from_numpy(splits[0].hashes)))
    resume.unlink(missing_ok=True)
    return card


def task_of(
    recipe: Recipe, examples: Examples, prepare: PrepareImages | PrepareTokens
) -> Task:
    """Return what a recipe asks of its network on training examples."""
    if isinstance(prepare, PrepareImages):
        return ImageClasses(recipe, examples, prepare)
    if recipe.masked:
        return MaskedTokens(recipe, examples, prepare)
    return SentenceClasses(recipe, examples, prepare)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate at a step 0 .. steps - 1: linear warm-up, then cosine or line to 0."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    if recipe.schedule == "linear":
        return recipe.learning_rate * (1 - share)
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
    prepare: PrepareImages | PrepareTokens,
    after: Callable[[Fit], None],
    progress: Callable[[int, float], None],
) -> None:
    """Train to the last step.

    Args:
        fit: the training in progress.
        splits: training examples, and those on which weights are selected.
        prepare: from an example to the input of the network.
        after: called after every step.
        progress: called with (steps done, loss) every 50 steps.

    Raises:
        MeasureError: the loss is no longer finite.
    """
    recipe, (examples, validation) = fit.recipe, splits
    task = task_of(recipe, examples, prepare)
    begin = time.monotonic() - fit.seconds
    with fitting_threads(fit.network, recipe.batch):
        while fit.done < recipe.steps:
            loss = advance(fit, task)
            fit.seconds = time.monotonic() - begin
            if fit.done % 50 == 0 or fit.done == recipe.steps:
                progress(fit.done, finite(loss, fit.done))
            if fit.done in recipe.looked_at:
                _select(fit, validation, task)
            after(fit)


def advance(fit: Fit, task: Task) -> Tensor:
    """Do one step, and return its loss ()."""
    batch = task.batch(fit.done, fit.device)
    loss = _step(fit, batch.inputs, batch.targets)
    fit.done += 1
    fit.tokens += batch.tokens
    return loss


def _step(fit: Fit, inputs: Any, targets: Tensor) -> Tensor:
    recipe = fit.recipe
    for group in fit.optimizer.param_groups:
        group["lr"] = learning_rate(recipe, fit.done)
    dtype = _DTYPES[recipe.precision]
    with torch.autocast(fit.device.type, dtype, enabled=dtype != torch.float32):
        loss = _loss(fit, inputs, targets)
    fit.optimizer.zero_grad(set_to_none=True)
    fit.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    fit.scaler.unscale_(fit.optimizer)
    nn.utils.clip_grad_norm_(fit.network.parameters(), recipe.clip)
    fit.scaler.step(fit.optimizer)
    fit.scaler.update()
    return loss.detach()


def _loss(fit: Fit, inputs: Any, targets: Tensor) -> Tensor:
    recipe = fit.recipe
    if recipe.exit_loss == "last":  # the same number as below, without the other exits' heads
        logits = fit.network(inputs).float()
        return cross_entropy(logits, targets, label_smoothing=recipe.label_smoothing)
    weights = exit_weights(recipe.exit_loss, recipe.arch.depth)
    exits = fit.network.exits(inputs)
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


def _score_as_stored(
    fit: Fit, state: dict[str, Tensor], validation: Examples, task: Task
) -> Score:
    """Return the score of the network that is read back from the file."""
    fit.network.load_state_dict(state)
    fit.network.eval()
    return task.score(fit.network, validation, fit.device)


def _select(fit: Fit, validation: Examples, task: Task) -> None:
    """Keep the weights if they are the best on validation so far, or the last."""
    fit.network.eval()
    score = task.score(fit.network, validation, fit.device)
    fit.network.train()
    if fit.recipe.select == "last" or score.accuracy > fit.best.get("accuracy", -1.0):
        weights = {k: v.detach().clone() for k, v in fit.network.state_dict().items()}
        fit.best = {**score._asdict(), "step": fit.done, "weights": weights}


def start(recipe: Recipe, device: torch.device) -> Fit:
    """Return a training whose network is initialized from the recipe's seed, and `start_from`.

    Raises:
        CheckpointError: the file that the recipe starts from is none.
        ConfigError: it is of another architecture.
    """
    network = initialize(build(recipe.arch), seed_for("init", recipe.seed))
    started_from = fill_from(network, recipe)
    network.to(device).train()
    decayed = [p for p in network.parameters() if p.dim() > 1]
    rest = [p for p in network.parameters() if p.dim() <= 1]
    optimizer = optimizer_of(recipe, decayed, rest)
    scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "fp16")
    return Fit(recipe, device, network, optimizer, scaler, started_from=started_from)


def optimizer_of(recipe: Recipe, decayed: list[Any], rest: list[Any]) -> torch.optim.AdamW:
    """Return AdamW; matrices decay, biases, norms and other vectors do not."""
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(
        groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )


def _weights_decided_by(recipe: Recipe) -> str:
    """Return everything that decides the weights, as JSON."""
    return recipe.model_dump_json(exclude={"paired_seeds", "certificate"})


def _read_state(path: Path, fit: Fit) -> dict[str, Any]:
    state = read_pickle(path)
    if isinstance(state, dict):
        state = {_OLD_KEYS.get(key, key): value for key, value in state.items()}
    if not isinstance(state, dict) or "recipe" not in state:
        raise CheckpointError(f"{path}: must be the state of a training; remove it to start anew")
    own = _weights_decided_by(fit.recipe), fit.started_from
    if (state["recipe"], state.get("started_from", "")) != own:
        what = "another recipe or seed, or of one with another start"
        raise ConfigError(f"{path}: is the state of {what}. Remove it, or choose another `out`.", "out")
    return state


def _cast(tensor: Tensor, weights: str) -> Tensor:
    return tensor.cpu().to(_DTYPES[weights]) if tensor.is_floating_point() else tensor.cpu()


def _card(
    fit: Fit, splits: list[Examples], prepare: PrepareImages | PrepareTokens, task: Task
) -> Card:
    recipe = fit.recipe
    with fitting_threads(fit.network, recipe.batch):
        precision: Any = recipe.precision  # fp16, too, which no evaluation has
        profile = NumericProfile.here(fit.device, precision, recipe.batch)
    at = f" at step {fit.best['step']}" if recipe.select == "validation" else ""
    training = Training(
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        data_order=task.order,
        steps=fit.done,
        examples=fit.done * recipe.batch,
        tokens=fit.tokens or None,
        seconds=round(fit.seconds, 1),
        selected=recipe.select + at,
        started_from=fit.started_from or None,
        validation_accuracy=fit.best["accuracy"],
        validation_n=fit.best.get("n", len(splits[1])),
        validation_loss=fit.best.get("loss"),
        numeric_profile=profile.facts(),
    )
    return Card(
        arch=recipe.arch,
        data=recipe.data,
        data_fingerprint=splits[0].fingerprint,
        classes=() if recipe.masked else splits[0].classes,
        named=splits[0].named,
        pair=recipe.pair,
        training=training,
        **stated(prepare),
    )
