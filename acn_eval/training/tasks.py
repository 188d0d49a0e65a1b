"""What a recipe asks of its network: the batch of a step, and the score on held-out examples."""

from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from acn_eval.data.examples import Examples

__all__ = ["Score", "Task", "TrainingBatch"]


class TrainingBatch(NamedTuple):
    """What a network is shown at a step, on its device.

    Attributes:
        inputs: of the network, n examples.
        targets: what `acn_eval.training.exit_loss.loss_of` compares outputs (n, classes) with, or
            those (asked, pieces) of the tokens that are asked.
        tokens: of the batch that are no padding; 0 of images.
    """

    inputs: Any
    targets: Tensor
    tokens: int = 0


class Score(NamedTuple):
    """What a network reaches on held-out examples.

    Attributes:
        accuracy: share of right answers; 0 without examples. Of numbers, their correlation.
        n: number of answers.
        loss: mean cross entropy in nats, or squared error of numbers, where it is measured.
    """

    accuracy: float
    n: int
    loss: float | None = None


class Task(Protocol):
    """What a recipe asks, with its training examples and their preparation.

    A class of it has a number of `examples`, of which a step shows `size`, and a `seed` for all
    that is random.

    Attributes:
        order: name of the order of examples; equal names with equal seeds see equal batches.
    """

    order: ClassVar[str]

    def batch(self, step: int, device: torch.device) -> TrainingBatch:
        """Return the batch of a step, which depends on seed, examples and step alone."""

    def score(self, network: nn.Module, held_out: Examples, device: torch.device) -> Score:
        """Return what a network in eval mode reaches on held-out examples.

        Raises:
            MeasureError: logits that are NaN or infinite.
        """
