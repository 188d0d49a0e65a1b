"""The number of CPU threads of a training, which follows from the work of a step alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from acn_eval.models import Encoder

__all__ = ["fitting_threads", "forward_flops"]

_THREADS = ((2e9, 1), (2e10, 2))  # FLOPs of a step's forward pass below which so many are enough
_MOST = 4


def forward_flops(network: Encoder, images: int) -> int:
    """Return about how many FLOPs the matrix products of a forward pass take."""
    parameters = sum(p.numel() for p in network.parameters())
    return 2 * parameters * network.config.tokens * images


@contextmanager
def fitting_threads(network: Encoder, images: int) -> Iterator[None]:
    """Set the number of CPU threads by the work of a step, whatever the machine.

    The number of threads decides how sums are rounded. It therefore depends neither on the number
    of cores nor on their load, so that a training ends with the same weights on every machine of
    a kind.

    Args:
        network: that is trained.
        images: in one step, over all networks that are stepped as one.
    """
    before, work = torch.get_num_threads(), forward_flops(network, images)
    torch.set_num_threads(next((n for limit, n in _THREADS if work < limit), _MOST))
    try:
        yield
    finally:
        torch.set_num_threads(before)
