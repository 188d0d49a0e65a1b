"""A network as its training found it."""

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.config_files import recorded
from acn_eval.models.encoder import Encoder
from acn_eval.training.fit import start
from acn_eval.training.recipe import Recipe

__all__ = ["as_initialized", "recipe_of"]


def as_initialized(checkpoint: Checkpoint) -> Encoder | None:
    """Return a network as its training found it, from the recipe and the seed of its card.

    None where there is none (see `recipe_of`), or it began with the weights of another file.
    """
    network, recipe = checkpoint.model, recipe_of(checkpoint)
    if recipe is None or recipe.start_from or not isinstance(network, Encoder):
        return None
    return start(recipe, next(network.parameters()).device).network.eval()


def recipe_of(checkpoint: Checkpoint) -> Recipe | None:
    """Return the recipe from which a network of ours was trained.

    None where the card has no recipe of this network: it is unknown, the network was cut or pruned
    since, or it is an official Mixer of an earlier version, which began otherwise.
    """
    native = checkpoint.native
    if native is None or native.card.training is None or native.card.origin:
        return None
    try:
        recipe: Recipe = recorded(native.card.training.recipe, Recipe)
    except ValueError:  # of another version
        return None
    earlier = isinstance(native.card.training.recipe["arch"].get("skips"), bool)
    return recipe if recipe.arch == native.card.arch and not earlier else None
