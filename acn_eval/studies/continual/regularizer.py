"""What a method adds to the training of a task; the base adds nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

__all__ = ["Regularizer", "Shown"]


class Shown(NamedTuple):
    """Images as the network sees them, and which of its outputs the loss reads.

    Attributes:
        images: float32 (n, channels, size, size), normalized.
        columns: int64 (n, classes), outputs that the loss reads.
        targets: int64 (n,), positions of the right ones in `columns`.
    """

    images: Tensor
    columns: Tensor
    targets: Tensor


class Regularizer:
    """Follows every step of a training, and keeps what was learned from being lost.

    The base does nothing: it is naive fine-tuning.
    """

    def add_gradient(self) -> None:
        """Add to the gradients, which are those of the task's loss alone; before clipping."""

    def after_step(self) -> None:
        """Take note of the step that the optimizer has just done; gradients are still there."""

    def end_task(self, shown: Iterator[Shown]) -> None:
        """Take note of the end of a task; `shown` yields images of it, as many as are wanted."""

    def state(self) -> Mapping[str, Sequence[Tensor]]:
        """Return what a resume needs at the beginning of a task."""
        return {}

    def restore(self, state: Mapping[str, Sequence[Tensor]]) -> None:
        """Take up what `state` returned."""
