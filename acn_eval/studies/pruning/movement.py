"""Movement pruning: what fine-tuning moves towards zero goes first.

Source: Sanh, Wolf and Rush, "Movement pruning: adaptive sparsity by fine-tuning", 2020 (arXiv
2005.07683): the score of a weight is ``-sum_t dL/dw_t * w_t``. There a removed weight may come
back; here removals are final and come at the end of an epoch, as in the ACN paper.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from acn_eval.studies.pruning.masks import prunable

__all__ = ["MovementScores"]


class MovementScores:
    """Scores of every prunable weight, gathered while a network trains.

    Attributes:
        scores: by name of the weight; one that grew in magnitude has a high one.
    """

    def __init__(self, scores: Mapping[str, Tensor]) -> None:
        self.scores = {name: own.clone() for name, own in scores.items()}

    @staticmethod
    def starting(network: nn.Module) -> "MovementScores":
        """Return scores of zero for a network."""
        return MovementScores({k: torch.zeros_like(w) for k, w in prunable(network).items()})

    @contextmanager
    def watching(self, network: nn.Module) -> Iterator[None]:
        """Gather scores from every backward pass, before gradients are clipped and weights move.

        Only of plain gradients: a loss that is scaled for fp16 would scale the scores.
        """
        handles = [
            weight.register_hook(  # type: ignore[no-untyped-call]
                partial(self._add, self.scores[name], weight)
            )
            for name, weight in prunable(network).items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @staticmethod
    def _add(score: Tensor, weight: Tensor, gradient: Tensor) -> None:
        score.addcmul_(gradient.detach(), weight.detach(), value=-1.0)
