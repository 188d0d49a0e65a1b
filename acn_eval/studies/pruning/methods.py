"""Ways to remove weights: each yields the networks of its sparsities, least first."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from acn_eval.checkpoints import state_digest
from acn_eval.config_files import Config
from acn_eval.errors import ConfigError
from acn_eval.models import Encoder
from acn_eval.studies.pruning.context import PruningContext, State
from acn_eval.studies.pruning.gradual import Gradual
from acn_eval.studies.pruning.masks import Masks, Scope, apply_masks, magnitudes, masks_of
from acn_eval.studies.pruning.movement import MovementScores
from acn_eval.studies.pruning.structured import depgraph, hidden_share
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

_SCORE = "score."
_WEIGHT = "weight."


class Pruned(NamedTuple):
    """A network and the sparsity that was asked of it.

    Attributes:
        steps: of fine-tuning that it has had.
    """

    sparsity: float
    network: Encoder
    steps: int = 0


class Method(Config, ABC, frozen=True):
    """A way to remove weights.

    Attributes:
        blocks: cut the network after so many blocks first: depth and sparsity together.
    """

    cuts: ClassVar[bool] = False
    """Whether what it removes is gone, and not a zero."""

    kind: str
    blocks: Annotated[int, Field(ge=1, le=1000)] | None = None

    @property
    def trains(self) -> bool:
        """Whether it needs the train split."""
        return True

    @property
    def measures_sparsity(self) -> bool:
        """Whether accuracy falls with what is removed alone: training on gives some back."""
        return self.blocks is None and not self.trains

    @property
    def label(self) -> str:
        """Name in conditions."""
        return self.kind

    def places(self, sparsities: Sequence[float]) -> Sequence[float]:
        """Return the sparsities that it is measured at, of those that the suite asks for."""
        return sparsities

    def require(self, network: Encoder, sparsities: Sequence[float], where: str) -> None:
        """Refuse what it cannot do to a network, cut as it asks: before anything is measured.

        Args:
            network: that it starts from.
            sparsities: that the suite asks for.
            where: for messages: the file of the network.

        Raises:
            ConfigError: not all of the sparsities can be had.
            MissingExtra: it needs a library that is not installed.
        """

    @abstractmethod
    def networks(self, bench: PruningContext, sparsities: Sequence[float]) -> Iterator[Pruned]:
        """Yield a network for each of its places."""


class Magnitude(Method, frozen=True):
    """The smallest weights go at once, without fine-tuning.

    Attributes:
        scope: whether layers compete with each other, or each loses the same share.
    """

    kind: Literal["magnitude"] = "magnitude"
    scope: Scope = "global"

    @property
    def trains(self) -> bool:
        """Never."""
        return False

    @property
    def label(self) -> str:
        """``magnitude``, or ``magnitude_layer``."""
        scope = "" if self.scope == "global" else f"_{self.scope}"
        return f"{self.kind}{scope}"

    def networks(self, bench: PruningContext, sparsities: Sequence[float]) -> Iterator[Pruned]:
        """Yield a network for each of its places."""
        scores = magnitudes(bench.network)
        for sparsity in sparsities:
            masks = masks_of(scores, sparsity, scope=self.scope)
            yield Pruned(sparsity, bench.masked(masks))


class Structured(Method, frozen=True):
    """Whole hidden units of every MLP go, the least important first: the network gets smaller.

    Every MLP of a kind loses the same share of its units; a sparsity is still the share of all
    prunable weights that goes, to the nearest unit. It needs torch-pruning.

    Attributes:
        steps: of training after the units are gone; sparsity 0 trains as long.
    """

    cuts: ClassVar[bool] = True

    kind: Literal["structured"] = "structured"
    steps: Annotated[int, Field(ge=0, le=10_000_000)] = 0

    @property
    def trains(self) -> bool:
        """Whether it has steps."""
        return self.steps > 0

    @property
    def label(self) -> str:
        """``structured``, or ``structured_tuned`` where it trains."""
        return f"{self.kind}_tuned" if self.trains else self.kind

    def require(self, network: Encoder, sparsities: Sequence[float], where: str) -> None:
        """Refuse more than hidden units hold, and to go without the library."""
        depgraph()
        most, wanted = hidden_share(network), max(sparsities)
        if wanted >= most:
            raise ConfigError(
                f"{where}: sparsities of {self.kind} must be below {most:.3f}, the share of its "
                f"weights that hidden units have; got {wanted:g}"
            )

    def networks(self, bench: PruningContext, sparsities: Sequence[float]) -> Iterator[Pruned]:
        """Yield a network for each of its places."""
        for sparsity in sparsities:
            small = bench.narrowed(sparsity)
            if self.trains:
                facts = [self.kind, self.steps, state_digest(small.network)]
                state = small.kept(facts, partial(self._trained, small))
                yield Pruned(sparsity, small.filled(state), self.steps)
            else:
                yield Pruned(sparsity, small.network)

    def _trained(self, small: PruningContext) -> State:
        def pruning(network: Encoder) -> AbstractContextManager[Callable[[int], None]]:
            return nullcontext(lambda done: None)  # what is gone stays gone by itself

        return small.trained(small.network.state_dict(), self.steps, pruning)


class GradualMagnitude(Method, frozen=True):
    """The smallest weights go by a cubic schedule while the network trains on (Zhu and Gupta).

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
        """Yield a network for each of its places."""
        own = self.model_dump(mode="json")
        for sparsity in sparsities:
            state = bench.kept([own, sparsity], partial(self._trained, bench, sparsity))
            yield Pruned(sparsity, bench.filled(state), self.steps)

    def _trained(self, bench: PruningContext, sparsity: float) -> State:
        def pruning(network: Encoder) -> AbstractContextManager[Callable[[int], None]]:
            ramp = max(1, round(self.ramp * self.steps))
            return nullcontext(Gradual(network, sparsity, ramp=ramp, every=self.every))

        return bench.trained(bench.network.state_dict(), self.steps, pruning)


class Movement(Method, frozen=True):
    """After every epoch, the weights that moved most towards zero go (Sanh et al.).

    A network is measured at the end of an epoch; then a share of what is left is removed, and
    the next epoch begins. It has sparsities of its own: 1 - (1 - removed)^epoch.

    Attributes:
        removed: share of what is left that goes after an epoch; the ACN paper has .2 and .4.
        epochs: with something removed; one more comes first, with nothing removed.
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
        """Yield a network for each of its places."""
        steps = self.steps or bench.epoch
        state, movement = bench.network.state_dict(), MovementScores.starting(bench.network)
        masks = masks_of(movement.scores, 0.0)
        own = self.model_dump(mode="json", exclude={"epochs"})  # more of them go on from these
        for epoch, sparsity in enumerate(self.places(sparsities)):
            masks = masks_of(movement.scores, sparsity, within=masks)
            make = partial(_epoch, bench, state, movement.scores, masks, (epoch, steps))
            found = bench.kept([own, steps, epoch], make)
            state, movement = _part(found, _WEIGHT), MovementScores(_part(found, _SCORE))
            yield Pruned(sparsity, bench.filled(state), steps * (epoch + 1))


def _epoch(
    bench: PruningContext, state: State, scores: State, masks: Masks, place: tuple[int, int]
) -> State:
    """Train one epoch, (its number, steps), within masks; returns weights and scores."""
    movement, (epoch, steps) = MovementScores(scores), place

    @contextmanager
    def pruning(network: Encoder) -> Iterator[Callable[[int], None]]:
        apply_masks(network, masks)
        with movement.watching(network):
            yield lambda done: apply_masks(network, masks)

    after = bench.trained(state, steps, pruning, round_=epoch)
    weights = {_WEIGHT + name: value for name, value in after.items()}
    return weights | {_SCORE + name: own for name, own in movement.scores.items()}


def _part(found: State, prefix: str) -> State:
    return {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}


AnyMethod = Annotated[
    Magnitude | Structured | GradualMagnitude | Movement, Field(discriminator="kind")
]
"""Every method, chosen by ``kind``."""
