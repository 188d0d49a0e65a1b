"""What every network with exits through one head can do, ours or foreign."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, NamedTuple

from torch import Tensor, nn

__all__ = ["Boundary", "Cuttable", "Readings"]


class Readings(NamedTuple):
    """Features (batch, width) of one exit, pooled and normed as the shared head reads them.

    Attributes:
        stream: of the readout, the accumulated sum of an ACN: the head's own input.
        block: of what the next block reads, the output of the last one; the same tensor as
            `stream` where the connectivity does not tell them apart.
    """

    stream: Tensor
    block: Tensor


class Boundary(NamedTuple):
    """What is known after a block, or before the first.

    Attributes:
        passed_on: tokens (batch, tokens, width) that the next block reads.
        pooled: of the readout (batch, width), before the norm.
        present: bool (batch, tokens), which tokens are no padding; None: all.
    """

    passed_on: Tensor
    pooled: Tensor
    present: Tensor | None = None


class Cuttable(nn.Module):
    """Blocks in a row, with an exit after every one of them; it can be cut at each."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """Number of blocks L."""

    @abstractmethod
    def streams(self, inputs: Any) -> Iterable[Tensor]:
        """Yield the readout (batch, tokens, width) of every exit 0 .. L."""

    @abstractmethod
    def classify(self, stream: Tensor, inputs: Any, exit: int | None = None) -> Tensor:
        """Map (batch, tokens, width) to (batch, classes) by norm and head of an exit."""

    @abstractmethod
    def readings(self, inputs: Any) -> list[Readings]:
        """Features of every exit 0 .. L, from one pass through the blocks."""

    @abstractmethod
    def boundaries(self, inputs: Any) -> Iterable[Boundary]:
        """Yield the tokens at every exit 0 .. L, before any norm."""

    @abstractmethod
    def truncated(self, depth: int) -> "Cuttable":
        """Return a network that has the first `depth` blocks and gives exit `depth`."""

    def exits(self, inputs: Any) -> list[Tensor]:
        """Logits (batch, classes) of every exit 0 .. L, from one pass through the blocks.

        Exit k equals the network truncated to k blocks, bit for bit: heads are evaluated one exit
        at a time, because stacking them into one batch changes bits.
        """
        return [self.classify(stream, inputs, k) for k, stream in enumerate(self.streams(inputs))]

    def leave_at(self, inputs: Any, exit: int) -> Tensor:
        """Logits (batch, classes) of an exit as early exit computes them: with every head before.

        The head of exit 0, the embedding alone, is left out on the way.
        """
        for k, stream in enumerate(self.streams(inputs)):
            if k == exit:
                break
            if k:
                self.classify(stream, inputs, k)
        return self.classify(stream, inputs, exit)
