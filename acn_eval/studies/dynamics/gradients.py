"""The gradient of every layer, split into its direct and its network-mediated part.

The split follows units: a unit is a block or, at the finer grain, one of its sub-layers (see
`acn_eval.models.connectivity`). A path from the output of a unit to the readout is direct if no
other unit lies on it; combining modules may. So

    FG  full gradient: over all paths
    DG  direct gradient: over direct paths, what is left where every unit reads detached input
    NG  network-mediated gradient: over paths through later units, NG = FG - DG

because the gradient with respect to a unit's parameters is linear in the one that arrives at its
output. In an ACN the direct path is the long connection; in a residual network the identity of
the stream; an ffn has one for its last unit only; with acn_direct all paths are direct.

Source: "Auto-Compressing Networks" (arXiv 2506.09714), section 3. Its Fig. 2 shows a ratio that
the text does not define; here it is one of Euclidean norms over all parameters of a layer. The
two parts may point against each other: ratios can be above 1 and need not add up to 1.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from acn_eval.models import Encoder
from acn_eval.models.connectivity import Connectivity, ConnectivityName

__all__ = ["PARTS", "LayerGradient", "backward_paths", "direct", "split_gradients"]

PARTS = ("full", "direct", "mediated")
Loss = Callable[[Encoder], Tensor]
"""From a network to a scalar."""


@dataclass(frozen=True)
class LayerGradient:
    """Gradient of one loss with respect to all parameters of one layer, each (parameters,)."""

    full: Tensor
    direct: Tensor

    @property
    def mediated(self) -> Tensor:
        """The network-mediated part (parameters,)."""
        return self.full - self.direct


def direct(row: Connectivity) -> Connectivity:
    """Return the connectivity whose direct paths alone carry gradient; outputs are the same."""
    return replace(row, reads=lambda stream: row.reads(stream).detach())


def split_gradients(network: Encoder, loss: Loss) -> list[LayerGradient]:
    """Return the split gradient of every layer: 0 is the embedding, i the i-th block.

    Parameters of the combination (gates, weights of an average), norm and head belong to no layer.

    Args:
        network: of any architecture and connectivity; it is not changed.
        loss: of the network, e.g. its cross entropy on a batch.
    """
    layers = [network.embed, *network.blocks]
    twin = copy(network)  # the same parameters, wired anew
    twin.connectivity = direct(network.connectivity)
    parts = [_gradients(loss(net), layers) for net in (network, twin)]
    return [LayerGradient(full, own) for full, own in zip(*parts, strict=True)]


def _gradients(loss: Tensor, layers: Sequence[nn.Module]) -> list[Tensor]:
    """Return one vector per layer; parameters that the loss does not reach have gradient 0."""
    owned = [list(layer.parameters()) for layer in layers]
    found = iter(
        torch.autograd.grad(loss, [p for own in owned for p in own], materialize_grads=True)
    )
    return [torch.cat([next(found).flatten() for _ in own]) for own in owned]


_PATHS: dict[ConnectivityName, Callable[[int], int]] = {
    "ffn": lambda later: 1,
    "acn_direct": lambda later: 1,
    "acn": lambda later: later + 1,
    "residual": lambda later: 2**later,
    "hybrid": lambda later: 2**later,
    "denseformer": lambda later: 2**later,
    "concat": lambda later: 2**later,
}


def backward_paths(connectivity: ConnectivityName, units: int) -> list[int] | None:
    """Return the number of paths from the output of each unit 1 .. U to the readout.

    1 in an ffn, 2^(U - i) in a residual network, U - i + 1 in an ACN (section 3 of the paper).
    None for a highway network, whose gates are paths of their own.

    >>> backward_paths("acn", 4), backward_paths("residual", 4)
    ([4, 3, 2, 1], [8, 4, 2, 1])
    """
    if connectivity not in _PATHS:
        return None
    return [_PATHS[connectivity](units - i) for i in range(1, units + 1)]
