"""A whole training: from a recipe to a file with a card, resumed where it was killed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from acn_eval.atomic import replacing
from acn_eval.checkpoints.card import Card, Start, Training
from acn_eval.checkpoints.native import Native, write_native
from acn_eval.checkpoints.preparation import stated
from acn_eval.checkpoints.weight_files import read_pickle
from acn_eval.config_files import recorded
from acn_eval.data.examples import Examples, Split
from acn_eval.data.geometry import PrepareImages
from acn_eval.data.tokens import PrepareTokens
from acn_eval.errors import CheckpointError, ConfigError, Stopped
from acn_eval.inference.profile import NumericProfile
from acn_eval.training.fit import DTYPES, Fit, loop, start, task_of, weights_decided_by
from acn_eval.training.initial import Initial, initial_of
from acn_eval.training.interrupts import interrupts_held_back
from acn_eval.training.recipe import Recipe
from acn_eval.training.sources import open_split, prepare_for
from acn_eval.training.tasks import Score, Task
from acn_eval.training.threads import fitting_threads

__all__ = ["Course", "train"]

_OLD_KEYS = {"question": "recipe", "optimiser": "optimizer"}  # of states before 0.2
_SPLITS: tuple[Split, Split] = ("train", "validation")


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
        CheckpointError: the file to start from, or ``<out>.resume``, cannot be read.
        ConfigError: the recipe does not fit its data or the file to start from, no card can
            describe its network, or ``<out>.resume`` is of another recipe.
        MeasureError: the loss is no longer finite.
    """
    course = Course.opened(recipe, root)
    fit = course.begun(device)
    resume = out.with_name(out.name + ".resume")
    if resume.is_file():
        fit.restore(_read_state(resume, fit))
    with interrupts_held_back() as interrupted:
        saver = _Saver(resume, save_every, interrupted)
        loop(fit, course.splits, course.prepare, saver, progress)
    native = course.finished(fit)
    write_native(out, native)
    resume.unlink(missing_ok=True)
    return native.card


@dataclass(frozen=True)
class Course:
    """What a recipe asks for, opened and checked before anything is trained.

    Attributes:
        splits: train and validation; the test split is never opened.
        initial: what the training starts from.
        card: of the file, but for what only the training can tell.
    """

    recipe: Recipe
    splits: tuple[Examples, Examples]
    initial: Initial
    prepare: PrepareImages | PrepareTokens
    card: Card

    @classmethod
    def opened(cls, recipe: Recipe, root: Path | None) -> "Course":
        """Open the data of a recipe; see `train`."""
        learned, held_out = (open_split(recipe, s, root, reads_numbers=True) for s in _SPLITS)
        held_out.labeled_as(learned)
        initial = initial_of(recipe)
        prepare = prepare_for(recipe, learned, root, initial.vocabulary)
        card = _described(recipe, learned, prepare)
        return cls(recipe, (learned, held_out), initial, prepare, card)

    def begun(self, device: torch.device) -> Fit:
        """Return the training at its first step."""
        fit = start(self.recipe, device, self.initial.state)
        fit.started_from = self.initial.start.sha256 if self.initial.start else ""
        return fit

    def finished(self, fit: Fit) -> Native:
        """Return the content of the file of a training that is at its last step."""
        (learned, held_out), recipe = self.splits, self.recipe
        task = task_of(recipe, learned, self.prepare)
        state = {k: _cast(v, recipe.weights) for k, v in fit.best["weights"].items()}
        if recipe.weights != "fp32":
            fit.best |= _score_as_stored(fit, state, held_out, task)._asdict()
        training = _training(fit, len(held_out), task, self.initial.start)
        card = self.card.model_copy(update={"training": training})
        return Native(card, state, torch.from_numpy(learned.hashes))


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


def _read_state(path: Path, fit: Fit) -> dict[str, Any]:
    state = read_pickle(path)
    if isinstance(state, dict):
        state = {_OLD_KEYS.get(key, key): value for key, value in state.items()}
    if not isinstance(state, dict) or "recipe" not in state:
        raise CheckpointError(f"{path}: must be the state of a training; remove it to start anew")
    own = weights_decided_by(fit.recipe), fit.started_from
    if (state["recipe"], state.get("started_from", "")) != own:
        what = "another recipe or seed, or of one with another start"
        raise ConfigError(
            f"{path}: is the state of {what}. Remove it, or choose another `out`.", "out"
        )
    return state


def _cast(tensor: Tensor, weights: str) -> Tensor:
    return tensor.cpu().to(DTYPES[weights]) if tensor.is_floating_point() else tensor.cpu()


def _described(
    recipe: Recipe, train_split: Examples, prepare: PrepareImages | PrepareTokens
) -> Card:
    """Return the card before the training, so that none is lost because no card describes it."""
    facts = {
        "arch": recipe.arch,
        "data": recipe.data,
        "data_fingerprint": train_split.fingerprint,
        "classes": () if recipe.masked else train_split.classes,
        "named": train_split.named,
        "pair": recipe.pair,
    }
    try:
        card: Card = recorded({**facts, **stated(prepare)}, Card)
    except ValueError as exc:
        raise ConfigError(f"recipe: must make a network that a card describes; {exc}") from exc
    return card


def _training(fit: Fit, held_out: int, task: Task, began: Start | None) -> Training:
    recipe = fit.recipe
    with fitting_threads(fit.network, recipe.batch):
        precision: Any = recipe.precision  # fp16, too, which no evaluation has
        profile = NumericProfile.here(fit.device, precision, recipe.batch)
    at = f" at step {fit.best['step']}" if recipe.select == "validation" else ""
    return Training(
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        data_order=task.order,
        steps=fit.done,
        examples=fit.done * recipe.batch,
        tokens=fit.tokens or None,
        seconds=round(fit.seconds, 1),
        selected=recipe.select + at,
        started_from=began,
        validation_accuracy=fit.best["accuracy"],
        validation_n=fit.best.get("n", held_out),
        validation_loss=fit.best.get("loss"),
        numeric_profile=profile.facts(),
    )


def _score_as_stored(
    fit: Fit, state: dict[str, Tensor], validation: Examples, task: Task
) -> Score:
    """Return the score of the network that is read back from the file."""
    fit.network.load_state_dict(state)
    fit.network.eval()
    return task.score(fit.network, validation, fit.device)
