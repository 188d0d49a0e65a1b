"""Gradual magnitude pruning: sparsity grows by a cubic schedule while the network trains on.

Source: Zhu and Gupta, "To prune, or not to prune", 2017 (arXiv 1710.01878), equation 1.
"""

from torch import nn

from acn_eval.studies.pruning.masks import Scope, apply_masks, magnitudes, masks_of

__all__ = ["Gradual", "cubic"]


def cubic(final: float, done: int, ramp: int) -> float:
    """Return ``s_t = s_f + (s_0 - s_f) (1 - t / ramp)^3`` with s_0 = 0; s_f from `ramp` on.

    >>> [round(cubic(0.8, t, 4), 4) for t in range(6)]
    [0.0, 0.4625, 0.7, 0.7875, 0.8, 0.8]
    """
    return final * (1 - (1 - min(done, ramp) / ramp) ** 3)


class Gradual:
    """Called after every optimizer step: removes more, and holds at zero what is removed.

    Args:
        network: that trains; a weight that is once removed stays so.
        final: sparsity that is reached after `ramp` steps.
        ramp: steps; the rest of the training lets the network recover.
        every: steps between two removals.
        scope: as in `masks_of`.
    """

    def __init__(
        self, network: nn.Module, final: float, *, ramp: int, every: int, scope: Scope = "global"
    ) -> None:
        self.network, self.final = network, final
        self.ramp, self.every, self.scope = ramp, every, scope
        self.masks = masks_of(magnitudes(network), 0.0)

    def __call__(self, done: int) -> None:
        """Prune after so many steps."""
        if done == self.ramp or (done < self.ramp and done % self.every == 0):
            wanted = cubic(self.final, done, self.ramp)
            scores = magnitudes(self.network)
            self.masks = masks_of(scores, wanted, scope=self.scope, within=self.masks)
        apply_masks(self.network, self.masks)
