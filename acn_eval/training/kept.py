"""A training that is finished already, if its file is of the recipe."""

from pathlib import Path

from acn_eval.checkpoints import Checkpoint, Training, load
from acn_eval.errors import ConfigError
from acn_eval.training.recipe import Recipe

__all__ = ["kept"]


def kept(recipe: Recipe, path: Path) -> tuple[Checkpoint, Training]:
    """Return the checkpoint of a file, and what its card says of the training.

    Raises:
        CheckpointError: it cannot be read.
        ConfigError: it is of another recipe.
    """
    checkpoint = load(str(path))
    training = checkpoint.native.card.training if checkpoint.native else None
    if training is None or training.recipe != recipe.model_dump(mode="json"):
        msg = f"{path}: must be of this recipe; it is of another one. Remove this file."
        raise ConfigError(msg)
    return checkpoint, training
