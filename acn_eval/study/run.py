"""The one loop: a study lists its units of work, which are measured, stored and assembled."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from acn_eval.inference.memory import Batches
from acn_eval.inference.runtime import Runtime
from acn_eval.results import EvalResult
from acn_eval.tally import Progress, Tally, quietly

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from acn_eval.study.request import Request
    from acn_eval.study.suite import Suite

__all__ = ["Described", "Show", "Study", "Unit", "measured", "run"]

S = TypeVar("S", bound="Suite")


class Show(Protocol):
    """Shows the work of a bundle that is done and not yielded."""

    def __call__(self, more: int, kept: int = 0, /) -> None:
        """Show it, and how much of it the same run would not do again."""
        ...


class Described:
    """A frozen dataclass that is pickled as its fields alone, without `cached_property`."""

    def __reduce__(self: "DataclassInstance") -> tuple[Any, ...]:
        """Return the class and its fields."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


class Unit(Protocol):
    """One piece of work: a frozen dataclass that needs nothing but its own description.

    It can be pickled and measured in another process, unless it is about a network in memory:
    the same unit gives the same bytes wherever its numeric profile is that of the process. Nothing
    in it, such as the precision, may therefore follow from a measurement of time.
    """

    @property
    def address(self) -> str:
        """Content address (`OutcomeCache.key`) of everything that decides its bytes."""

    @property
    def cost(self) -> int:
        """Work in the unit of progress, such as evaluations or training steps."""

    @property
    def bundle(self) -> Hashable:
        """Neighbors of equal bundles are measured together: they may share what they read."""
        return self.address

    @property
    def cacheable(self) -> bool:
        """Whether the address says everything: the code of a network in memory is not in it."""
        return True

    @property
    def batch_size(self) -> int:
        """Examples per forward pass, where the size of a batch decides the bytes; else 1."""
        return 1

    def in_batches(self, size: int) -> Self:
        """Return the unit with another `batch_size`, and so with another address."""
        return self

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield the outcomes of the units of one bundle, in order, each when it is final.

        Where memory runs out, the rest is measured in batches of half the size.
        """


@dataclass(frozen=True)
class Study(ABC, Generic[S]):
    """What a suite asks about the given checkpoints or recipes, as units of work."""

    request: "Request[S]"
    work: ClassVar[str] = "evaluations"
    """Name of what `Unit.cost` counts, in the plural."""

    @abstractmethod
    def units(self) -> Sequence[Unit]:
        """Return every unit of work; those of one bundle are neighbors."""

    @abstractmethod
    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return the results from the outcomes of the units, in their order."""

    def groups(self, candidates: int) -> list[tuple[slice, slice]]:
        """Return where the results of both sides of every comparison lie.

        Args:
            candidates: how many of the checkpoints are candidates; they come first.
        """
        return [(slice(candidates), slice(candidates, None))]


def run(study: Study[Any], runtime: Runtime, progress: Progress = quietly) -> list[EvalResult]:
    """Measure what the cache does not hold, and return the results of a study.

    Raises:
        Stopped: at Ctrl-C; says how much is saved.
    """
    outcomes = measured(study.units(), runtime, progress, study.work)
    results = study.assemble(outcomes)
    runtime.store.trim()
    return results


def measured(
    units: Sequence[Unit], runtime: Runtime, progress: Progress = quietly, work: str = Study.work
) -> list[bytes]:
    """Return the outcomes of units in their order, from the cache or measured and stored now."""
    counter = Tally(sum(unit.cost for unit in units), work, progress)
    if not runtime.store.readable:
        counter.remedy = "Where the cache is read, the same run resumes from there."
    if not all(unit.cacheable for unit in units):
        counter.remedy = "Networks in memory are never kept: they are measured again."
    shrunk: dict[int, Batches] = {}
    found: list[bytes] = []
    with counter:
        counter.add(0)
        for _, bundle in groupby(units, key=lambda unit: (type(unit), unit.bundle)):
            own = list(bundle)
            size = own[0].batch_size
            batches = shrunk.setdefault(size, Batches(size, runtime.device))
            found += _bundle(own, runtime, batches, counter)
    return found


def _bundle(
    units: Sequence[Unit], runtime: Runtime, batches: Batches, counter: Tally
) -> list[bytes]:
    found: dict[int, bytes] = {}

    def measure(size: int) -> None:
        own = {i: unit.in_batches(size) for i, unit in enumerate(units) if i not in found}
        kept = {i: content for i, unit in own.items() if (content := _kept(unit, runtime))}
        found.update(kept)
        counter.add(sum(units[i].cost for i in kept))
        left = {i: unit for i, unit in own.items() if i not in kept}
        for i, content in _measured(left, runtime, counter):
            found[i] = content

    batches.halving(measure)
    return [found[i] for i in range(len(units))]


def _kept(unit: Unit, runtime: Runtime) -> bytes | None:
    return runtime.store.read(unit.address) if unit.cacheable else None


def _measured(
    units: Mapping[int, Unit], runtime: Runtime, counter: Tally
) -> Iterator[tuple[int, bytes]]:
    own = list(units.values())
    contents = own[0].measure(own, runtime, counter.show) if own else ()
    for (i, unit), content in zip(units.items(), contents, strict=True):
        if unit.cacheable:
            runtime.store.write(unit.address, content)
        counter.add(unit.cost, kept=unit.cost * unit.cacheable)
        yield i, content
