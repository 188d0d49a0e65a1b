"""Training from a recipe: exact, resumable, never touching test."""

from acn_eval.training.recipe import Recipe, read_recipe
from acn_eval.training.run import train
from acn_eval.training.together import (
    TrainingJob,
    seconds_per_step,
    stackable,
    stacking_pays,
    train_all,
)

__all__ = [
    "Recipe",
    "TrainingJob",
    "read_recipe",
    "seconds_per_step",
    "stackable",
    "stacking_pays",
    "train",
    "train_all",
]
