"""What prunes a network while it trains: a schedule of sparsity, and scores of movement.

Sources: Zhu and Gupta, "To prune, or not to prune", 2017 (arXiv 1710.01878), equation 1; Sanh,
Wolf and Rush, "Movement pruning: adaptive sparsity by fine-tuning", 2020 (arXiv 2005.07683). There
a removed weight may come back; here removals are final and follow an epoch, as in the ACN paper.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from torch import Tensor, nn

from acn_eval.studies.pruning.masks import Masks, apply_masks, magnitudes, masks_of, prunable

__all__ = ["Gradual", "cubic", "movement"]


def cubic(final: float, done: int, ramp: int) -> float:
    """Return ``s_t = s_f + (s_0 - s_f) (1 - t / ramp)^3`` with s_0 = 0; s_f from `ramp` on.

    >>> [round(cubic(0.8, t, 4), 4) for t in range(6)]
    [0.0, 0.4625, 0.7, 0.7875, 0.8, 0.8]
    """
    return final * (1 - (1 - min(done, ramp) / ramp) ** 3)


class Gradual:
    """Removes more weights after optimizer steps, and holds removed ones at zero after each.

    Args:
        network: that trains; a weight that is once removed stays so.
        final: sparsity that is reached after `ramp` steps.
        ramp: steps; the rest of the training lets the network recover.
        every: steps between two removals.
        masks: of what is removed so far; they are changed in place.
    """

    def __init__(
        self, network: nn.Module, final: float, *, ramp: int, every: int, masks: Masks
    ) -> None:
        self.network, self.final, self.ramp, self.every = network, final, ramp, every
        self.masks = masks

    def __call__(self, done: int) -> None:
        """Prune after so many steps."""
        if done == self.ramp or (done < self.ramp and done % self.every == 0):
            wanted = cubic(self.final, done, self.ramp)
            masks = masks_of(magnitudes(self.network), wanted, within=self.masks)
            for name, own in masks.items():
                self.masks[name].copy_(own)
        apply_masks(self.network, self.masks)


@contextmanager
def movement(network: nn.Module, scores: Mapping[str, Tensor]) -> Iterator[None]:
    """Add ``-dL/dw w`` of every backward pass to the scores of the prunable weights, in place.

    Gradients are those before clipping, of weights before their step; a weight that grows in
    magnitude gets a high score. A loss that is scaled for fp16 would scale the scores.
    """

    def add(name: str, weight: Tensor, gradient: Tensor) -> None:
        scores[name].addcmul_(gradient.detach(), weight.detach(), value=-1.0)

    handles = [
        weight.register_hook(partial(add, name, weight))  # type: ignore[no-untyped-call]
        for name, weight in prunable(network).items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
