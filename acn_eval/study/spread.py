"""A network as its training found it."""

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.config_files import recorded
from acn_eval.models.encoder import Encoder
from acn_eval.training.fit import start
from acn_eval.training.recipe import Recipe

__all__ = ["as_initialized"]


def as_initialized(checkpoint: Checkpoint) -> Encoder | None:
    """Return a network as its training found it, from the recipe and the seed of its card.

    None where the card has no recipe of this network: it is unknown, or the network was cut or
    pruned since.
    """
    network, native = checkpoint.model, checkpoint.native
    if not isinstance(network, Encoder) or native is None or native.card.training is None:
        return None
    try:
        recipe: Recipe = recorded(native.card.training.recipe, Recipe)
    except ValueError:  # of another version
        return None
    if recipe.arch != native.card.arch:
        return None
    return start(recipe, network.head.weight.device).network.eval()
