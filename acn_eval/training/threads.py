"""The number of CPU threads of a training, which follows from the work of a step."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from acn_eval.models import Encoder

__all__ = ["fitting_threads", "forward_flops"]

_FEW, _MANY = 2e9, 2e10  # FLOPs of a step's forward pass: one thread below, more than two above


def forward_flops(network: Encoder, images: int) -> int:
    """Return about how many FLOPs the matrix products take of a forward pass of whole examples.

    Rows of a table, such as that of the words, are looked up: that is no product.
    """
    tables = [m.weight.numel() for m in network.modules() if isinstance(m, nn.Embedding)]
    parameters = sum(p.numel() for p in network.parameters()) - sum(tables)
    return 2 * parameters * network.config.tokens * images


@contextmanager
def fitting_threads(network: Encoder, images: int) -> Iterator[None]:
    """Set the number of CPU threads by the work of a step.

    The number of threads decides how sums are rounded. Below 2e10 FLOPs of the forward pass it is
    therefore one or two, whatever the machine, so that a training ends with the same weights on
    every machine of a kind. A larger step takes four, or as many as torch has: threads that wait
    for a core would make it several times slower.

    Args:
        network: that is trained.
        images: in one step, over all networks that are stepped as one.
    """
    before, work = torch.get_num_threads(), forward_flops(network, images)
    large = min(max(before, 2), 4)
    torch.set_num_threads(1 if work < _FEW else 2 if work < _MANY else large)
    try:
        yield
    finally:
        torch.set_num_threads(before)
