"""How many threads of the CPU a training steps on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from acn_eval.models import AnyArch, build

__all__ = ["fitting_threads"]

_SMALL = 2e9  # FLOPs of a forward pass, below which one thread is enough


@contextmanager
def fitting_threads(arch: AnyArch, images: int) -> Iterator[None]:
    """Step small networks on one thread of the CPU: on a busy machine, two wait for each other.

    The numbers of small networks then do not depend on how many cores there are, either.

    Args:
        arch: of the network.
        images: that are shown in one step.
    """
    before = torch.get_num_threads()
    parameters = sum(p.numel() for p in build(arch).parameters())
    if 2 * parameters * arch.tokens * images < _SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
