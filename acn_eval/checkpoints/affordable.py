"""What one example may cost: a card or a config may state sizes that no weight pays for."""

from copy import deepcopy
from itertools import chain

import torch
from torch import nn

from acn_eval.errors import CheckpointError
from acn_eval.inputs import Prepare
from acn_eval.models import cost

__all__ = ["MOST_BUFFERS", "require_affordable"]

MOST_BUFFERS = 2**26
"""Elements of tables that a network computes of its sizes, and that no file holds."""
_MOST_FLOPS = 2**43  # ten times those of the largest networks for photographs
_MOST_BYTES = 2**31  # of activations, where attention keeps its products


def require_affordable(network: nn.Module, prepare: Prepare, where: str) -> None:
    """Refuse a network whose forward pass of one example takes too much, before it takes it.

    Raises:
        CheckpointError: too many operations, or too much memory.
    """
    tensors = chain(network.parameters(), network.buffers())
    shapes = deepcopy(network, {id(tensor): tensor.to("meta") for tensor in tensors})
    with torch.device("meta"):
        spent = cost(shapes.eval(), prepare.blank(1).to("meta"))
    if spent.flops > _MOST_FLOPS or spent.activation_bytes > _MOST_BYTES:
        most = f"{_MOST_FLOPS / 1e12:.0f} TFLOPs and {_MOST_BYTES >> 30} GiB"
        got = f"{spent.flops / 1e12:.1f} TFLOPs and {spent.activation_bytes / 2**30:.1f} GiB"
        what = f"must take at most {most} for one example, by its sizes"
        raise CheckpointError(f"{where}: {what}; got {got}")
