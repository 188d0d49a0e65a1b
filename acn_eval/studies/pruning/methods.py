"""Pruning methods: each yields the networks of its sparsities, lowest first."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from acn_eval.checkpoints import state_digest
from acn_eval.config_files import Config
from acn_eval.errors import ConfigError
from acn_eval.models import Encoder
from acn_eval.studies.pruning.context import PruningContext, State
from acn_eval.studies.pruning.during_training import Gradual, movement
from acn_eval.studies.pruning.masks import (
    Masks,
    Scope,
    apply_masks,
    magnitudes,
    masks_of,
    prunable,
)
from acn_eval.studies.pruning.structured import depgraph, hidden_share, tied
from acn_eval.training.recipe import Steps

__all__ = [
    "AnyMethod",
    "GradualMagnitude",
    "Magnitude",
    "Method",
    "Movement",
    "Pruned",
    "Structured",
]

_SCORE, _WEIGHT = "score.", "weight."


class Pruned(NamedTuple):
    """A network, the sparsity that was requested, and its optimizer steps of fine-tuning."""

    sparsity: float
    network: Encoder
    steps: int = 0


class Method(Config, ABC, frozen=True):
    """A way to remove weights.

    Attributes:
        blocks: cut the network after so many blocks first; None keeps all.
    """

    cuts: ClassVar[bool] = False
    """Whether removed weights are gone, and not zero."""

    kind: str
    blocks: Annotated[int, Field(ge=1, le=1000)] | None = None

    @property
    def trains(self) -> bool:
        """Whether it needs the train split."""
        return True

    @property
    def measures_sparsity(self) -> bool:
        """Whether only removal changes the accuracy, in a whole network: nothing is fine-tuned."""
        return self.blocks is None and not self.trains

    @property
    def label(self) -> str:
        """Name in conditions."""
        return self.kind

    def places(self, sparsities: Sequence[float]) -> Sequence[float]:
        """Return the sparsities that it is measured at, given those of the suite."""
        return sparsities

    def require(self, network: Encoder, sparsities: Sequence[float], where: str) -> None:
        """Refuse what it cannot do to a network, cut already, before anything is measured.

        Messages begin with `where`, the file of the network.

        Raises:
            ConfigError: not all of the sparsities can be reached.
            MissingExtra: it needs a library that is not installed.
        """

    @abstractmethod
    def networks(self, bench: PruningContext, sparsities: Sequence[float]) -> Iterator[Pruned]:
        """Yield a network for each of its sparsities."""


class Magnitude(Method, frozen=True):
    """Removes the smallest weights at once, without fine-tuning.

    Attributes:
        scope: whether layers compete with each other, or each loses the same share.
    """

    kind: Literal["magnitude"] = "magnitude"
    scope: Scope = "global"

    @property
    def trains(self) -> bool:
        """It never does."""
        return False

    @property
    def label(self) -> str:
        """``magnitude``, or ``magnitude_layer``."""
        scope = "" if self.scope == "global" else f"_{self.scope}"
        return f"{self.kind}{scope}"

    def networks(self, bench: PruningContext, sparsities: Sequence[float]) -> Iterator[Pruned]:
        """Yield a network for each of its sparsities."""
        scores = magnitudes(bench.network)
        for sparsity in sparsities:
            masks = masks_of(scores, sparsity, scope=self.scope)
            yield Pruned(sparsity, bench.masked(masks))


class Structured(Method, frozen=True):
    """Removes whole hidden units of every MLP, the least important first; needs torch-pruning.

    Every MLP of a kind loses the same share of its units; a sparsity is still the share of all
    prunable weights that is removed, to the nearest unit.

    Attributes:
        steps: of fine-tuning afterwards; sparsity 0 is fine-tuned as long.
    """

    cuts: ClassVar[bool] = True

    kind: Literal["structured"] = "structured"
    steps: Annotated[int, Field(ge=0, le=10_000_000)] = 0

    @property
    def trains(self) -> bool:
        """It does where it has steps."""
        return self.steps > 0

    @property
    def label(self) -> str:
        """``structured``, or ``structured_tuned`` where it trains."""
        return f"{self.kind}_tuned" if self.trains else self.kind

    def require(self, network: Encoder, sparsities: Sequence[float], where: str) -> None:
        """Refuse units that are tied, sparsities beyond them, and a missing library."""
        depgraph()
        if tied(network):
            msg = (
                "must have hidden units that nothing else reads; fixed paths tie them to channels"
            )
            raise ConfigError(f"{where}: {msg}. Leave out the method {self.kind}.")
        most, wanted = hidden_share(network), max(sparsities)
        if wanted >= most:
            raise ConfigError(
                f"{where}: sparsities of {self.kind} must be below {most:.3f}, the share of its "
                f"weights that hidden units have; got {wanted:g}"
            )

    def networks(self, bench: PruningContext, sparsities: Sequence[float]) -> Iterator[Pruned]:
        """Yield a network for each of its sparsities."""
        for sparsity in sparsities:
            small = bench.narrowed(sparsity)
            if self.trains:
                facts = [self.kind, self.steps, state_digest(small.network)]
                state = small.kept(facts, partial(self._tuned, small))
                yield Pruned(sparsity, small.filled(state), self.steps)
            else:
                yield Pruned(sparsity, small.network)

    def _tuned(self, small: PruningContext, address: str) -> State:
        return small.trained(small.network.state_dict(), self.steps, address=address)


class GradualMagnitude(Method, frozen=True):
    """Removes the smallest weights by a cubic schedule during fine-tuning (Zhu and Gupta).

    Every sparsity is a training of its own from the dense network; sparsity 0 trains as long.

    Attributes:
        steps: of each training.
        ramp: share of them in which weights are removed; in the rest the network recovers.
        every: steps between two removals.
    """

    kind: Literal["gradual"] = "gradual"
    steps: Steps = 60
    ramp: Annotated[float, Field(gt=0, le=1)] = 0.75
    every: Steps = 5

    def networks(self, bench: PruningContext, sparsities: Sequence[float]) -> Iterator[Pruned]:
        """Yield a network for each of its sparsities."""
        own = self.model_dump(mode="json")
        for sparsity in sparsities:
            state = bench.kept([own, sparsity], partial(self._trained, bench, sparsity))
            yield Pruned(sparsity, bench.filled(state), self.steps)

    def _trained(self, bench: PruningContext, sparsity: float, address: str) -> State:
        masks = masks_of(magnitudes(bench.network), 0.0)
        ramp = max(1, round(self.ramp * self.steps))

        def pruning(network: Encoder) -> AbstractContextManager[Callable[[int], None]]:
            own = Gradual(network, sparsity, ramp=ramp, every=self.every, masks=masks)
            return nullcontext(own)

        dense = bench.network.state_dict()
        return bench.trained(dense, self.steps, pruning, held=masks, address=address)


class Movement(Method, frozen=True):
    """Removes the weights that moved most towards zero, after every epoch (Sanh et al.).

    A network is measured at the end of an epoch; then a share of its weights is removed, and
    the next epoch begins. It has sparsities of its own: 1 - (1 - removed)^epoch.

    Attributes:
        removed: share of the kept weights that an epoch removes; the ACN paper has .2 and .4.
        epochs: that follow a removal; one more comes first.
        steps: of an epoch; None shows every training image once.
    """

    kind: Literal["movement"] = "movement"
    removed: Annotated[float, Field(gt=0, lt=1)] = 0.2
    epochs: Annotated[int, Field(gt=0, le=1000)] = 8
    steps: Steps | None = None

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        places = self.places(())
        if len(set(places)) < len(places) or places[-1] >= 1:
            msg = "epochs must be fewer: to a thousandth, nothing is left to remove"
            raise ValueError(msg)
        return self

    @property
    def label(self) -> str:
        """``movement_20`` where 20 % go after every epoch."""
        return f"{self.kind}_{100 * self.removed:g}"

    def places(self, sparsities: Sequence[float]) -> Sequence[float]:
        """Return its own sparsities, to a thousandth."""
        return tuple(round(1 - (1 - self.removed) ** e, 3) for e in range(self.epochs + 1))

    def networks(self, bench: PruningContext, sparsities: Sequence[float]) -> Iterator[Pruned]:
        """Yield a network for each of its sparsities."""
        steps = self.steps or bench.epoch
        state, weights = bench.network.state_dict(), prunable(bench.network)
        scores = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        masks = masks_of(scores, 0.0)
        own = self.model_dump(mode="json", exclude={"epochs"})  # more of them go on from these
        for epoch, sparsity in enumerate(self.places(sparsities)):
            masks = masks_of(scores, sparsity, within=masks)
            make = partial(_epoch, bench, state, scores, masks, (epoch, steps))
            found = bench.kept([own, steps, epoch], make)
            state, scores = _part(found, _WEIGHT), _part(found, _SCORE)
            yield Pruned(sparsity, bench.filled(state), steps * (epoch + 1))


def _epoch(
    bench: PruningContext,
    state: State,
    scores: State,
    masks: Masks,
    place: tuple[int, int],
    address: str,
) -> State:
    """Train one epoch, (its number, steps), within masks; return weights and scores."""
    scores, (epoch, steps) = {name: own.clone() for name, own in scores.items()}, place

    @contextmanager
    def pruning(network: Encoder) -> Iterator[Callable[[int], None]]:
        apply_masks(network, masks)
        with movement(network, scores):
            yield lambda done: apply_masks(network, masks)

    after = bench.trained(state, steps, pruning, held=scores, round_=epoch, address=address)
    weights = {_WEIGHT + name: value for name, value in after.items()}
    return weights | {_SCORE + name: own for name, own in scores.items()}


def _part(found: State, prefix: str) -> State:
    return {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}


AnyMethod = Annotated[
    Magnitude | Structured | GradualMagnitude | Movement, Field(discriminator="kind")
]
"""Every method, chosen by ``kind``."""
