"""Which weights are removed: the lowest scores, over the whole network or in every layer.

Prunable are the weights of linear and convolution layers but for the heads: these are read by
every exit, and are small. Biases, norms, tokens and positions stay.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = ["Masks", "Scope", "apply_masks", "magnitudes", "masks_of", "prunable", "zeros_in"]

Masks = dict[str, Tensor]
"""By name of the weight, bool of its shape: True is kept."""
Scope = Literal["global", "layer"]
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)
_HEAD = "head"


def prunable(network: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights that may be removed, by name, in the order of the network."""
    return {
        f"{name}.weight": module.get_parameter("weight")
        for name, module in network.named_modules()
        if isinstance(module, _LAYERS) and _HEAD not in name.split(".")
    }


def magnitudes(network: nn.Module) -> dict[str, Tensor]:
    """Return the absolute value of every prunable weight: its score in magnitude pruning."""
    return {name: weight.detach().abs() for name, weight in prunable(network).items()}


def masks_of(
    scores: Mapping[str, Tensor],
    sparsity: float,
    *,
    scope: Scope = "global",
    within: Masks | None = None,
) -> Masks:
    """Return masks that remove a share of the scores, the lowest ones, to the nearest weight.

    The share is that of all weights together or, with another `scope`, of every layer. Of equal
    scores the first is removed first, so that masks of the same scores are nested. What the masks
    of `within` removed stays removed.
    """
    if within is not None:
        scores = {k: s.masked_fill(~within[k], -torch.inf) for k, s in scores.items()}
    if scope == "layer":
        return {name: _kept(own.flatten(), sparsity).view_as(own) for name, own in scores.items()}
    kept = _kept(torch.cat([own.flatten() for own in scores.values()]), sparsity)
    parts = torch.split(kept, [own.numel() for own in scores.values()])
    return {k: part.view_as(scores[k]) for k, part in zip(scores, parts, strict=True)}


def _kept(scores: Tensor, sparsity: float) -> Tensor:
    count = round(sparsity * len(scores))
    if not count:
        return torch.ones_like(scores, dtype=torch.bool)
    edge = scores.kthvalue(count).values  # several times faster than an order of all scores
    kept = scores >= edge
    kept[(scores == edge).nonzero()[: count - int((~kept).sum())]] = False
    return kept


@torch.no_grad()
def apply_masks(network: nn.Module, masks: Masks) -> None:
    """Set what is removed to zero, in place."""
    for name, weight in prunable(network).items():
        weight.masked_fill_(~masks[name], 0.0)


def zeros_in(network: nn.Module, dense: nn.Module | None = None) -> float:
    """Return the share of the prunable weights that are zero: the realized sparsity.

    Where units were cut out, a weight of the `dense` network that is gone counts as a zero.
    """
    kept = sum(int((weight != 0).sum()) for weight in prunable(network).values())
    total = sum(weight.numel() for weight in prunable(dense or network).values())
    return (total - kept) / total
