"""Writes a network that is cut at an exit as a checkpoint of its own."""

from dataclasses import replace
from pathlib import Path

from acn_eval.checkpoints.card import Card
from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.checkpoints.native import Native, write_native
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.models import Encoder

__all__ = ["cut_at", "export"]


def export(checkpoint: Checkpoint, exit: int, out: Path) -> Native:
    """Write the first `exit` blocks as a ``.pt`` or ``.safetensors`` file that `load` reads.

    Raises:
        Unsupported: the network has no exits.
        ConfigError: it has not this one.
    """
    native = cut_at(checkpoint, exit)
    write_native(out, native)
    return native


def cut_at(checkpoint: Checkpoint, exit: int) -> Native:
    """Return what a file of the first `exit` blocks holds; numbers are stored as they were.

    Raises:
        Unsupported: the network has no exits.
        ConfigError: it has not this one.
    """
    native, network = checkpoint.native, checkpoint.model
    if native is None or not isinstance(network, Encoder):
        raise Unsupported(f"{checkpoint.id.uri}: must be a network with exits to be cut")
    depth = network.config.depth
    if not 0 <= exit <= depth:
        raise ConfigError(f"{checkpoint.id.uri}: exit must be 0 to {depth}; got {exit}")
    cut = network.truncated(exit)
    stored = next(iter(native.state.values())).dtype
    state = {
        name: value.detach().cpu().to(stored) if value.is_floating_point() else value.cpu()
        for name, value in cut.state_dict().items()
    }
    origin = f"{checkpoint.id.sha256} cut at exit {exit} of {depth}"
    card = Card(**{**dict(native.card), "arch": cut.config, "pair": None, "origin": origin})
    return replace(native, card=card, state=state)
