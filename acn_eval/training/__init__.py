"""Training from a recipe: exact, resumable, never touching test."""

from acn_eval.training.fine_tune import fine_tune
from acn_eval.training.fit import train
from acn_eval.training.recipe import (
    Augment,
    Batch,
    ClassNames,
    Clip,
    Decay,
    Looks,
    Rate,
    Recipe,
    Steps,
    read_recipe,
)
from acn_eval.training.together import Lesson, seconds_per_step, stackable, trained

__all__ = [
    "Augment",
    "Batch",
    "ClassNames",
    "Clip",
    "Decay",
    "Lesson",
    "Looks",
    "Rate",
    "Recipe",
    "Steps",
    "fine_tune",
    "read_recipe",
    "seconds_per_step",
    "stackable",
    "train",
    "trained",
]
