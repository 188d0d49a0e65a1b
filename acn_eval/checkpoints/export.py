"""Writes a network that was made smaller as a checkpoint of its own."""

from dataclasses import replace
from pathlib import Path

from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.checkpoints.native import Native, write_native
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.models import Encoder

__all__ = ["cut_at", "export", "rewritten"]


def export(checkpoint: Checkpoint, exit: int, out: Path) -> Native:
    """Write the first `exit` blocks as a file; raises what `cut_at` raises."""
    native = cut_at(checkpoint, exit)
    write_native(out, native)
    return native


def cut_at(checkpoint: Checkpoint, exit: int) -> Native:
    """Return the content of a file of the first `exit` blocks; weights keep their dtype.

    Raises:
        Unsupported: the network has no exits.
        ConfigError: the network has exits, but not this one.
    """
    native, network = checkpoint.native, checkpoint.model
    if native is None or not isinstance(network, Encoder):
        raise Unsupported(f"{checkpoint.id.uri}: must be a network with exits to be cut")
    depth = network.config.depth
    if not 0 <= exit <= depth:
        raise ConfigError(f"{checkpoint.id.uri}: exit must be 0 to {depth}; got {exit}")
    origin = f"{checkpoint.id.sha256} cut at exit {exit} of {depth}"
    return rewritten(native, network.truncated(exit), origin)


def rewritten(native: Native, network: Encoder, origin: str) -> Native:
    """Return the content of a file of a network that was made from `native`, in the same dtype.

    The card states the `origin`: from which file the network was made, and how.
    """
    stored = next(iter(native.state.values())).dtype
    state = {
        name: value.detach().cpu().to(stored) if value.is_floating_point() else value.cpu()
        for name, value in network.state_dict().items()
    }
    changed = {"arch": network.config, "pair": None, "origin": origin}
    card = Card(**{**dict(native.card), **changed})
    return replace(native, card=card, state=state)
