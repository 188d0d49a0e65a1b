"""The network that a file was before its training, by the recipe and the seed in its card."""

from typing import Any

import torch

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.models import AnyArch, Encoder, build, initialize, read_arch
from acn_eval.seeds import seed_for

__all__ = ["initial_network", "require_initial"]

_LARGEST = 2**28
"""Parameters of an initial network that is larger than its file: a card may state any size."""


def require_initial(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint whose network before its training is not known.

    Raises:
        Unsupported: in words that follow "because".
    """
    _recipe_of(checkpoint)


def initial_network(checkpoint: Checkpoint) -> Encoder:
    """Return the network before its training, with as many blocks as the file has.

    A file that was cut or pruned has the first blocks of the network that its recipe trained, with
    all of their hidden units.

    Raises:
        Unsupported: what `require_initial` raises.
    """
    arch, seed = _recipe_of(checkpoint)
    whole = initialize(build(arch), seed_for("init", seed))
    depth = int(checkpoint.id.arch["depth"])
    return (whole if depth == arch.depth else whole.truncated(depth)).eval()


def _recipe_of(checkpoint: Checkpoint) -> tuple[AnyArch, int]:
    """Return the architecture that was trained, and its seed."""
    native = checkpoint.native
    if native is None or native.card.training is None:
        raise Unsupported("its file does not say how it was trained")
    own, training = native.card.arch, native.card.training
    stated = training.recipe.get("arch")
    try:
        arch = read_arch(stated if isinstance(stated, dict) else {}, "recipe")
    except ConfigError as exc:
        raise Unsupported("the architecture in its recipe cannot be read") from exc
    below = tuple(k for k in arch.branches if k < own.depth)
    cut = arch.model_copy(update={"depth": min(arch.depth, own.depth), "branches": below})
    if _lasting(cut) != _lasting(own):
        raise Unsupported("its recipe is about another architecture")
    if _parameters(arch) > max(_LARGEST, checkpoint.id.parameters):
        raise Unsupported("the network in its recipe is too large beside the file")
    return arch, training.seed


def _lasting(arch: AnyArch) -> dict[str, Any]:
    """What of an architecture neither cutting nor pruning changes."""
    return {k: v for k, v in arch.model_dump().items() if "hidden" not in k}


def _parameters(arch: AnyArch) -> int:
    """Count them without memory."""
    with torch.device("meta"):
        return sum(p.numel() for p in build(arch).parameters())
