"""The one training loop: AdamW, warm-up and decay per step, a state from which to resume."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from acn_eval.data.examples import Examples
from acn_eval.data.geometry import PrepareImages
from acn_eval.data.tokens import PrepareTokens
from acn_eval.errors import MeasureError
from acn_eval.models import Encoder, build, initialize
from acn_eval.seeds import seed_for
from acn_eval.training.classes import ImageClasses, SentenceClasses, SentenceNumbers
from acn_eval.training.exit_loss import exit_weights, loss_of, weighted_loss
from acn_eval.training.masked import MaskedTokens
from acn_eval.training.recipe import Recipe
from acn_eval.training.tasks import Task
from acn_eval.training.threads import fitting_threads

__all__ = [
    "DTYPES",
    "Fit",
    "advance",
    "finite",
    "learning_rate",
    "loop",
    "optimizer_of",
    "start",
    "task_of",
    "weights_decided_by",
]

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""By name: number formats of a training and of stored weights."""


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
            "recipe": weights_decided_by(self.recipe),
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


def task_of(recipe: Recipe, examples: Examples, prepare: PrepareImages | PrepareTokens) -> Task:
    """Return what a recipe asks of its network on training examples."""
    size, seed = recipe.batch, recipe.seed
    if isinstance(prepare, PrepareImages):
        return ImageClasses(examples, prepare, size, seed, recipe.augment)
    of_answers = SentenceClasses if examples.targets is None else SentenceNumbers
    chosen = MaskedTokens if recipe.masked else of_answers
    return chosen(examples, prepare, size, seed)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the rate at a step 0 .. steps - 1: linear warm-up, then cosine or line to 0."""
    if step < recipe.warmup:
        return recipe.learning_rate * (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    if recipe.schedule == "linear":
        return recipe.learning_rate * (1 - share)
    return recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2


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
    dtype = DTYPES[recipe.precision]
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
        return loss_of(fit.network(inputs).float(), targets, recipe.label_smoothing)
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


def _select(fit: Fit, validation: Examples, task: Task) -> None:
    """Keep the weights if they are the best on validation so far, or the last."""
    fit.network.eval()
    score = task.score(fit.network, validation, fit.device)
    fit.network.train()
    if fit.recipe.select == "last" or score.accuracy > fit.best.get("accuracy", -1.0):
        weights = {k: v.detach().clone() for k, v in fit.network.state_dict().items()}
        fit.best = {**score._asdict(), "step": fit.done, "weights": weights}


def start(recipe: Recipe, device: torch.device, given: Mapping[str, Tensor] | None = None) -> Fit:
    """Return a training whose network is initialized from the recipe's seed.

    `given` parameters replace those of the same names.
    """
    network = initialize(build(recipe.arch), seed_for("init", recipe.seed))
    network.load_state_dict({**network.state_dict(), **(given or {})})
    network.to(device).train()
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


def weights_decided_by(recipe: Recipe) -> str:
    """Return everything that decides the weights, as JSON."""
    return recipe.model_dump_json(exclude={"paired_seeds", "certificate"})
