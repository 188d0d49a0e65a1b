"""Refuses logits that are NaN or infinite: their argmax is no prediction."""

import torch
from torch import Tensor

from acn_eval.errors import MeasureError

__all__ = ["broken", "require_finite"]


def broken(logits: Tensor) -> Tensor:
    """Return which examples of logits (n, classes) have one that is NaN or infinite: bool (n,)."""
    return ~torch.isfinite(logits).all(dim=1)


def require_finite(logits: Tensor, where: str) -> Tensor:
    """Return logits (..., n, classes) as they are, if all of them are finite.

    Leading axes are the exits of a network; `where`, what was measured, opens the message.

    Raises:
        MeasureError: says for how many examples they are not.
    """
    bad = broken(logits.transpose(0, -2).flatten(1))
    if bool(bad.any()):
        msg = f"{where}: logits must be finite; got NaN or infinity for {int(bad.sum())}"
        raise MeasureError(f"{msg} of {len(bad)} images")
    return logits
