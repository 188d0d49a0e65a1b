"""What a network gives for examples, batch by batch: the forward loop of every study that trains.

`one_pass` is the loop of checkpoints under conditions, whose outcomes are kept.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.data import Examples
from acn_eval.inference.memory import Batches
from acn_eval.inference.precision import running
from acn_eval.inputs import Prepare
from acn_eval.models import require_finite

__all__ = ["inputs_of", "outputs"]


def inputs_of(
    examples: Examples, where: NDArray[np.int64], prepare: Prepare, device: torch.device
) -> Any:
    """Return what the network reads of the examples at these indices, on the device."""
    return prepare(prepare.spec.upload(examples.read(where, prepare.spec), device))


def outputs(
    forward: Callable[[Any], Tensor],
    examples: Examples,
    prepare: Prepare,
    batches: Batches,
    *,
    name: str,
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Yield the indices (n,) of every batch and what `forward` gives for it, in fp32.

    Batches are those of `batches`, halved where memory runs out. Gradients are not kept, and
    the mode of the network is left as it is.

    Args:
        forward: prepared examples to logits or features, (..., n, values).
        examples: in the order in which they are shown.
        prepare: from examples to what the network reads.
        batches: size of a batch, and the device.
        name: what is measured, to stand in front of a message.

    Raises:
        MeasureError: an output is not finite, or not even one example fits into memory.
    """
    begin, device = 0, batches.device

    def attempt(size: int) -> tuple[NDArray[np.int64], Tensor]:
        where = np.arange(begin, min(begin + size, len(examples)))
        with running("fp32", device):
            return where, forward(inputs_of(examples, where, prepare, device))

    while begin < len(examples):
        where, found = batches.halving(attempt)
        yield where, require_finite(found, name)
        begin += len(where)
