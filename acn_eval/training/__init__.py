"""Training from a recipe: exact, resumable, never touching test."""

from acn_eval.training.fit import train
from acn_eval.training.recipe import Recipe, read_recipe

__all__ = ["Recipe", "read_recipe", "train"]
