"""The weight of every exit's loss in a training."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss

__all__ = ["ExitLoss", "exit_weights", "loss_of", "weighted_loss"]

ExitLoss = (
    Literal["last", "linear"]
    | Annotated[dict[int, Annotated[float, Field(ge=0, le=1e6)]], Field(max_length=1000)]
)


def exit_weights(exit_loss: ExitLoss, depth: int) -> Mapping[int, float]:
    """Return the weight of every exit k in the loss; k is the number of executed blocks.

    ``last`` trains the last exit alone. ``linear`` weighs exit k by ``2 k / (L (L + 1))``, which
    adds up to 1: the paper's ``2 (l + 1) / (L (L + 1))`` for layers l = 0 .. L - 1. A mapping
    adds its exits to the last one, e.g. branches with the paper's 0.8, 0.6 and 0.4.

    >>> exit_weights("linear", 3)
    {1: 0.16666666666666666, 2: 0.3333333333333333, 3: 0.5}
    """
    if exit_loss == "last":
        return {depth: 1.0}
    if exit_loss == "linear":
        return {k: 2 * k / (depth * (depth + 1)) for k in range(1, depth + 1)}
    return {**exit_loss, depth: 1.0}


def loss_of(outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Return the mean cross entropy () of logits (n, classes), in nats.

    Of a single output (n, 1), which is a number, it is the mean squared error.
    """
    if outputs.shape[1] == 1:
        return mse_loss(outputs[:, 0], targets.to(outputs.dtype))
    return cross_entropy(outputs, targets, label_smoothing=smoothing)


def weighted_loss(
    exits: Sequence[Tensor], targets: Tensor, weights: Mapping[int, float], smoothing: float
) -> Tensor:
    """Return the weighted sum of the losses of outputs (n, classes) per exit 0 .. L."""
    losses = [
        weight * loss_of(exits[k].float(), targets, smoothing) for k, weight in weights.items()
    ]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total
