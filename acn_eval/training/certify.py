"""Whether a recipe may be trained in bf16: it is trained in both, and compared on validation."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.checkpoints import Training
from acn_eval.config_files import read_json, recorded
from acn_eval.data import Examples
from acn_eval.errors import ConfigError, MeasureError
from acn_eval.inference.precision import has_bf16
from acn_eval.statistics.architectures import crossed
from acn_eval.training.certificate import Certificate
from acn_eval.training.classes import answered_right
from acn_eval.training.kept import kept
from acn_eval.training.recipe import Recipe
from acn_eval.training.run import train
from acn_eval.training.sources import open_split
from acn_eval.training.threads import fitting_threads

__all__ = ["certified", "certify", "kept_in"]

_SEEDS = (1001, 1002, 1003)  # those of no checkpoint that is reported
_PRECISIONS = ("fp32", "bf16")
_MARGIN = 0.02  # a tie of the shipped suites
_APART = {"seed", "precision", "pair", "paired_seeds", "weights", "certificate"}


def certify(
    recipe: Recipe,
    folder: Path,
    *,
    device: torch.device,
    root: Path | None = None,
    save_every: float = 300.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Certificate:
    """Train a recipe in fp32 and in bf16 with three seeds, and compare them on validation.

    Trainings that are finished stay in `folder`, and one that was killed resumes; afterwards the
    folder may be removed. The test split is never opened.

    Raises:
        ConfigError: the recipe does not fit its data, has masked tokens in place of classes, or
            `folder` holds another recipe's.
        MeasureError: a loss is no longer finite, or the device does not compute in bf16.
    """
    if recipe.masked:
        what = "must be of a recipe with classes, whose answers are compared"
        raise ConfigError(f"certificate of bf16: {what}; this one is asked masked tokens")
    if not has_bf16(device):
        what = "must run where the device computes in bf16; this one does not"
        raise MeasureError(f"certificate of bf16: {what}. Train in fp32.")
    train_split, validation = (open_split(recipe, s, root) for s in ("train", "validation"))
    runs = [_Run(_plan(recipe, seed, p), folder) for seed in _SEEDS for p in _PRECISIONS]
    for run in runs:
        if run.path.exists():
            kept(run.recipe, run.path)
    for number, run in enumerate(runs):
        before = number * recipe.steps

        def move(done: int, loss: float, before: int = before) -> None:
            progress(before + done, len(runs) * recipe.steps)

        if not run.path.exists():
            train(
                run.recipe,
                run.path,
                device=device,
                root=root,
                save_every=save_every,
                progress=move,
            )
    return _compared(runs, validation.labeled_as(train_split), device)


def kept_in(folder: Path) -> list[Path]:
    """Return the files that `certify` keeps in a folder."""
    return [_file(folder, seed, precision) for seed in _SEEDS for precision in _PRECISIONS]


def certified(recipe: Recipe, path: Path) -> Recipe:
    """Return a bf16 recipe with the certificate of a file, or its own; others as they are.

    Raises:
        ConfigError: the file holds something else, or the certificate is another recipe's.
    """
    if recipe.precision != "bf16":
        return recipe
    certificate = _read(path) if path.is_file() else recipe.certificate
    if certificate and certificate.recipe != _digest(recipe):
        msg = f"{path}: must be of this recipe; it is of another one. Remove it, or certify again."
        raise ConfigError(msg)
    return recipe.model_copy(update={"certificate": certificate})


def _read(path: Path) -> Certificate:
    try:
        certificate: Certificate = recorded(read_json(path), Certificate)
    except ValueError as exc:
        raise ConfigError(f"{path}: must be a certificate of bf16; {exc}") from exc
    return certificate


@dataclass(frozen=True)
class _Run:
    """One of the trainings that are compared."""

    recipe: Recipe
    folder: Path

    @property
    def path(self) -> Path:
        return _file(self.folder, self.recipe.seed, self.recipe.precision)

    def finished(
        self, validation: Examples, device: torch.device
    ) -> tuple[Training, NDArray[np.float64]]:
        """Return what the card says, and for every example (n,) whether the answer is right."""
        checkpoint, training = kept(self.recipe, self.path)
        network, prepare = checkpoint.model.to(device), checkpoint.prepare
        with fitting_threads(network, self.recipe.batch):
            right = answered_right(network, validation, prepare, device)
        return training, right.astype(np.float64)


def _file(folder: Path, seed: int, precision: str) -> Path:
    return folder / f"{precision}_{seed}.pt"


def _plan(recipe: Recipe, seed: int, precision: str) -> Recipe:
    """Return the recipe of one training; its weights are kept as they were trained."""
    changed = {"seed": seed, "precision": precision, "weights": "fp32"}
    return recipe.model_copy(update={**changed, "pair": None, "certificate": None})


def _compared(runs: list[_Run], validation: Examples, device: torch.device) -> Certificate:
    """Return the certificate of finished runs: fp32 and bf16 of one seed after another."""
    trainings, right = zip(*(run.finished(validation, device) for run in runs), strict=True)
    fp32, bf16 = np.stack(right[::2]), np.stack(right[1::2])
    difference = crossed(bf16 - fp32)
    low, high = difference.interval(0.9)
    seconds = [float(np.mean([t.seconds / t.steps for t in trainings[i::2]])) for i in (0, 1)]
    return Certificate(
        recipe=_digest(runs[0].recipe),
        seeds=_SEEDS,
        fp32=tuple(map(float, fp32.mean(axis=1))),
        bf16=tuple(map(float, bf16.mean(axis=1))),
        validation_n=len(validation),
        difference=difference.value,
        low=low,
        high=high,
        margin=_MARGIN,
        seconds=(seconds[0], seconds[1]),
        numeric_profile=trainings[1].numeric_profile,
    )


def _digest(recipe: Recipe) -> str:
    """Return what names a recipe, whatever its seed and precision."""
    return sha256(recipe.model_dump_json(exclude=_APART).encode()).hexdigest()
