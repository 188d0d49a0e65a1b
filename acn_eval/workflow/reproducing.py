"""Trains the networks of a table that are missing, and states what is asked of them."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path

import torch

from acn_eval.data import Split, open_examples
from acn_eval.errors import ConfigError, DataError
from acn_eval.inference import Runtime
from acn_eval.run_options import RunOptions
from acn_eval.tally import Progress
from acn_eval.training import Recipe
from acn_eval.training.kept import kept
from acn_eval.training.seeds import train_files
from acn_eval.training.sources import open_split
from acn_eval.training.step_time import StepTime, step_time
from acn_eval.workflow.paper import PaperComparison, PaperTable

__all__ = ["NetworkCost", "costs", "questions", "train_missing"]

_SPLITS: tuple[Split, ...] = ("train", "validation")


@dataclass(frozen=True)
class NetworkCost:
    """What all trainings of one network cost.

    Attributes:
        name: of the network.
        recipe: of its trainings, but for the seed.
        trainings: how many, of which `done` are kept.
        epochs: of one training; None where the data are not here, or sentences are packed.
        step: what a step takes.
    """

    name: str
    recipe: Recipe
    trainings: int
    done: int
    epochs: float | None
    step: StepTime

    @property
    def hours(self) -> tuple[float, float]:
        """Of the trainings that are not done: on this machine, and on one GPU."""
        steps = (self.trainings - self.done) * self.recipe.steps / 3600
        return steps * self.step.here, steps * self.step.gpu


def costs(
    table: PaperTable, folder: Path, device: torch.device, root: Path | None
) -> Iterator[NetworkCost]:
    """Yield what each network costs; a few steps are timed, and no data is needed.

    Raises:
        ConfigError: `folder` holds another recipe's networks.
    """
    _require_kept(table, folder)
    for name, recipe in table.networks.items():
        done = sum(_file(folder, name, seed).exists() for seed in range(table.seeds))
        epochs, step = _epochs(recipe, root), step_time(recipe, device)
        yield NetworkCost(name, recipe, table.seeds, done, epochs, step)


def train_missing(
    table: PaperTable,
    folder: Path,
    runtime: Runtime,
    *,
    root: Path | None,
    progress: Progress,
) -> None:
    """Train every network with every seed, seed by seed; finished files in `folder` are kept.

    All data are opened, and all kept files checked, before anything is trained. A training that
    was killed resumes. As many are trained at once as the engine has slots.

    Raises:
        ConfigError: `folder` holds another recipe's networks, or its name means several.
        DataError: data are not there.
        MeasureError: a loss is no longer finite.
    """
    if "," in str(folder) or has_magic(str(folder)):
        raise ConfigError(f"`out`: must be without comma and wildcard; got {folder}", "out")
    _require_kept(table, folder)
    _require_data(table, root)
    folder.mkdir(parents=True, exist_ok=True)
    with runtime.engine:
        train_files([*_trainings(table, folder)], runtime, root, progress)


def questions(
    table: PaperTable, comparison: PaperComparison, folder: Path, options: RunOptions
) -> Iterator[tuple[str, RunOptions]]:
    """Yield the suites of a comparison with the options that ask all seeds of both networks."""
    ours, theirs = (
        tuple(str(_file(folder, name, seed)) for seed in range(table.seeds))
        for name in comparison.networks
    )
    classes = () if comparison.data else table.networks[comparison.candidate].classes or ()
    data = replace(options.data, data=_data(table, comparison), classes=tuple(classes))
    for suite in comparison.suites:
        sides = replace(options, candidates=ours, baselines=theirs, group=True)
        yield suite, replace(sides, suite=suite, data=data)


def _trainings(table: PaperTable, folder: Path) -> Iterator[tuple[Recipe, Path]]:
    for seed in range(table.seeds):
        for name, recipe in table.networks.items():
            yield recipe.model_copy(update={"seed": seed}), _file(folder, name, seed)


def _file(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{name} seed {seed}.pt"


def _require_kept(table: PaperTable, folder: Path) -> None:
    for recipe, path in _trainings(table, folder):
        if path.exists():
            kept(recipe, path)


def _require_data(table: PaperTable, root: Path | None) -> None:
    """Hours of training must not end at data that are not there."""
    recipes = table.networks.values()
    for recipe in {(r.data, r.classes, r.arch.classes): r for r in recipes}.values():
        for split in _SPLITS:
            open_split(recipe, split, root)
    for name in {_data(table, comparison) for comparison in table.comparisons}:
        open_examples(name, "test", root)


def _data(table: PaperTable, comparison: PaperComparison) -> str:
    return comparison.data or table.networks[comparison.candidate].data


def _epochs(recipe: Recipe, root: Path | None) -> float | None:
    if recipe.masked:
        return None
    with suppress(DataError):
        examples = open_examples(recipe.data, "train", root, download=False)
        images = len(examples.only(recipe.classes) if recipe.classes else examples)
        return recipe.steps * recipe.batch / images
    return None
