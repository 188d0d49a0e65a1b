"""The encoder that all networks share: embedding, wired blocks, exits through one head."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from acn_eval.models.connectivity import CONNECTIVITIES, Skips, Stream, Unit, streams
from acn_eval.models.cuttable import Boundary, Cuttable, Readings

if TYPE_CHECKING:
    from acn_eval.models.configs import EncoderConfig

__all__ = ["Block", "Encoder", "mean_over"]

_HEAD = ("norm.", "head.")


class Block(nn.Module):
    """A block of two sub-layers; subclasses say which.

    `present`, bool (batch, tokens), says which tokens are no padding; None: all.
    """

    def sublayers(self, present: Tensor | None) -> tuple[Unit, Unit]:
        """The functions whose composition, without any skip, is the block.

        The first mixes tokens (attention), the second channels (the MLP).
        """
        raise NotImplementedError

    def run(self, x: Tensor, skips: Skips, present: Tensor | None) -> Tensor:
        """Compose the sub-layers with these inner skips."""
        mix_tokens, mix_channels = self.sublayers(present)
        x = x + mix_tokens(x) if skips in ("attention", "both") else mix_tokens(x)
        return x + mix_channels(x) if skips in ("mlp", "both") else mix_channels(x)


class Encoder(Cuttable):
    """Embedding -> wired blocks -> pool -> norm -> head, with an exit after every block.

    Norm and pooling commute for the first token; for ``mean`` the order is pool, then norm.
    Inputs are images (batch, channels, size, size), or what else the config's `blank` returns.

    Attributes:
        start: how parameters are initialized, see `acn_eval.models.build.initialize`.
    """

    start: ClassVar[Literal["xavier", "torch", "normal"]] = "xavier"

    def __init__(
        self, config: "EncoderConfig", embed: nn.Module, block: Callable[[], Block], eps: float
    ) -> None:
        super().__init__()
        self.config = config
        self.connectivity = CONNECTIVITIES[config.connectivity]
        self.embed = embed
        self.blocks = nn.ModuleList(block() for _ in range(config.depth))
        self.combine = self.connectivity.combine(config.units, config.width)
        self.norm, self.head = self._ends(eps)
        branches = {str(k): _Branch(*self._ends(eps)) for k in config.branches}
        self.branches = nn.ModuleDict(branches)

    def forward(self, inputs: Any) -> Tensor:
        """Logits (batch, classes) of the last exit."""
        *_, last = self.streams(inputs)
        return self.classify(last, inputs)

    @property
    def depth(self) -> int:
        """Number of blocks L."""
        return self.config.depth

    def streams(self, inputs: Any) -> Iterator[Tensor]:
        """Yield the readout (batch, tokens, width) of every exit 0 .. L."""
        return map(self.connectivity.readout, self._wired(inputs))

    def readings(self, inputs: Any) -> list[Readings]:
        """Features of every exit 0 .. L in both readings, from one pass through the blocks."""
        return [self._readings(stream, inputs) for stream in self._wired(inputs)]

    def boundaries(self, inputs: Any) -> Iterator[Boundary]:
        """Yield the tokens at every exit 0 .. L, before any norm."""
        present = self.present(inputs)
        for stream in self._wired(inputs):
            readout = self._pooled(self.connectivity.readout(stream), inputs)
            yield Boundary(self.connectivity.reads(stream), readout, present)

    def present(self, inputs: Any) -> Tensor | None:
        """Return which tokens are no padding, bool (batch, tokens); None: all."""
        return None

    def classify(self, stream: Tensor, inputs: Any, exit: int | None = None) -> Tensor:
        """Map (batch, tokens, width) to (batch, classes) by the exit's own head or the shared."""
        if str(exit) in self.branches:
            logits: Tensor = self.branches[str(exit)](self._pooled(stream, inputs))
        else:
            logits = self.head(self._features(stream, inputs))
        return logits

    def truncated(self, depth: int) -> Self:
        """Return a network of its own that has the first `depth` blocks and gives exit `depth`."""
        below = tuple(k for k in self.config.branches if k < depth)
        config = self.config.model_copy(update={"depth": depth, "branches": below})
        with torch.random.fork_rng(devices=[]):
            cut: Self = type(self)(config)  # type: ignore[call-arg]
        state = self.state_dict()
        if depth in self.config.branches:
            state |= {k: state[f"branches.{depth}.{k}"] for k in state if k.startswith(_HEAD)}
        wanted = cut.state_dict().keys()
        cut.load_state_dict({k: v for k, v in state.items() if k in wanted})
        return cut.to(next(self.parameters())).train(self.training)

    def _ends(self, eps: float) -> tuple[nn.Module, nn.Module]:
        """Return norm and head of an exit, on pooled tokens (batch, width)."""
        c = self.config
        return nn.LayerNorm(c.width, eps=eps), nn.Linear(c.width, c.classes)

    def _wired(self, inputs: Any) -> Iterator[Stream]:
        """Yield what is known at every block boundary."""
        units = self._units(self.present(inputs))
        wired = streams(self.embed(inputs), units, self.connectivity, self.combine)
        return islice(wired, 0, None, max(len(units) // max(len(self.blocks), 1), 1))

    def _readings(self, stream: Stream, inputs: Any) -> Readings:
        readout, read = self.connectivity.readout(stream), self.connectivity.reads(stream)
        features = self._features(readout, inputs)
        return Readings(features, features if read is readout else self._features(read, inputs))

    def _features(self, stream: Tensor, inputs: Any) -> Tensor:
        features: Tensor = self.norm(self._pooled(stream, inputs))
        return features

    def _pooled(self, stream: Tensor, inputs: Any) -> Tensor:
        """First token or mean over tokens: (batch, tokens, width) to (batch, width)."""
        if self.config.pool == "cls":
            return stream[:, 0]
        present = self.present(inputs)
        return stream.mean(dim=1) if present is None else mean_over(stream, present)

    def _units(self, present: Tensor | None) -> list[Unit]:
        blocks: list[Any] = list(self.blocks)
        if self.config.unit == "sublayer":
            return [sublayer for block in blocks for sublayer in block.sublayers(present)]
        skips = self.config.inner_skips
        return [partial(block.run, skips=skips, present=present) for block in blocks]


def mean_over(stream: Tensor, which: Tensor) -> Tensor:
    """Return the mean (batch, width) over the tokens of a bool (batch, tokens)."""
    share = which / which.sum(dim=1, keepdim=True)
    return (share.unsqueeze(-1).to(stream.dtype) * stream).sum(dim=1)


class _Branch(nn.Module):
    """Norm and head of one exit: pooled (batch, width) to (batch, classes)."""

    def __init__(self, norm: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.norm(x))
        return logits
