"""The one loop: a study lists its units of work, which are measured, stored and assembled."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from acn_eval.cache import WriteBehind
from acn_eval.engine.protocol import Engine, Show, pieces_for
from acn_eval.errors import StoreError
from acn_eval.inference.memory import Batches
from acn_eval.inference.runtime import Runtime
from acn_eval.results import EvalResult
from acn_eval.tally import Progress, Tally, quietly
from acn_eval.training.resume import state_key

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from acn_eval.study.request import Request
    from acn_eval.study.suite import Suite

__all__ = [
    "BundleTask",
    "Described",
    "Study",
    "Unit",
    "bundles",
    "measured",
    "measured_within",
    "run",
]

S = TypeVar("S", bound="Suite")


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
    def title(self) -> str:
        """What messages call it, in a few words."""
        return type(self).__name__

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
    def resumes(self) -> bool:
        """Whether its training keeps a state (`Resume`) until its outcome is stored."""
        return False

    @property
    def batch_size(self) -> int:
        """Examples per forward pass, where the size of a batch decides the bytes; else 1."""
        return 1

    def in_batches(self, size: int) -> Self:
        """Return the unit with another `batch_size`, and so with another address."""
        return self

    @classmethod
    def pieces(cls, units: Sequence[Self], count: int) -> Sequence[Sequence[Self]]:
        """Cut the units of one bundle into at most so many parts that are measured apart.

        By default they are not cut, because the later ones need what the first ones made.
        """
        return [units]

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
    with runtime.own_settings():
        outcomes = measured(study.units(), runtime, progress, study.work)
        results = study.assemble(outcomes)
    with suppress(StoreError):  # what was measured counts more than the room that it takes
        runtime.store.trim()
    return [replace(own, warnings=(*own.warnings, *_mixed(runtime.engine))) for own in results]


def measured(
    units: Sequence[Unit], runtime: Runtime, progress: Progress = quietly, work: str = Study.work
) -> list[bytes]:
    """Return the outcomes of units in their order, from the cache or measured and stored now."""
    counter = Tally(sum(unit.cost for unit in units), work, progress)
    if not runtime.store.readable:
        counter.remedy = "Where the cache is read, the same run resumes from there."
    if not all(unit.cacheable for unit in units):
        counter.remedy = "Networks in memory are never kept: they are measured again."
    with counter, WriteBehind(runtime.store, counter.keep) as writer:
        plan = _Plan(units, runtime, counter, writer)
        counter.add(0)
        for task, found, alike in runtime.engine.run(plan.tasks(), counter.show_of):
            plan.found(task, *found, alike=alike)
    return plan.outcomes


def bundles(units: Sequence[Unit]) -> list[list[int]]:
    """Return the numbers of the units of each bundle."""
    together = groupby(enumerate(units), key=lambda own: (type(own[1]), own[1].bundle))
    return [[i for i, _ in own] for _, own in together]


def measured_within(unit: Unit, runtime: Runtime, show: Show) -> bytes:
    """Return the outcome of a unit that another one needs, from the cache or stored there now."""
    if held := _held({0: unit}, runtime):
        return held[0]
    (content,) = unit.measure([unit], runtime, show)
    _store(unit, unit.address, content, runtime)
    return content


@dataclass(frozen=True)
class BundleTask:
    """Units of one bundle that are measured together, anywhere.

    Attributes:
        numbers: of the units, which are yielded with their outcomes.
        batches: their size; where memory runs out, it is halved.
    """

    units: Sequence[Unit]
    numbers: Sequence[int]
    runtime: Runtime
    batches: Batches

    def __call__(self, show: Show) -> Iterator[tuple[int, str, bytes]]:
        """Yield the number, the address and the content of every outcome."""
        first, done = self.batches.size, set[int]()

        def attempt(size: int) -> Iterator[tuple[int, str, bytes]]:
            left = {
                number: unit.in_batches(size)
                for number, unit in zip(self.numbers, self.units, strict=True)
                if number not in done
            }
            for found in self._outcomes(left, show, stored=size < first):
                done.add(found[0])
                yield found

        with self.runtime.own_settings():
            yield from self.batches.halving_each(attempt)

    def __str__(self) -> str:
        """Return what messages call it."""
        more = len(self.units) - 1
        return self.units[0].title + f" and {more} more" * (more > 0)

    def _outcomes(
        self, units: dict[int, Unit], show: Show, *, stored: bool
    ) -> Iterator[tuple[int, str, bytes]]:
        for number, content in _held(units, self.runtime).items() if stored else ():
            yield number, units.pop(number).address, content
        own = list(units.values())
        contents = own[0].measure(own, self.runtime, show) if own else ()
        for (number, unit), content in zip(units.items(), contents, strict=True):
            yield number, unit.address, content


class _Plan:
    """The tasks of a run, and what is known of its units so far."""

    def __init__(
        self, units: Sequence[Unit], runtime: Runtime, counter: Tally, writer: WriteBehind
    ) -> None:
        self._units, self._runtime, self._counter, self._writer = units, runtime, counter, writer
        self._found: dict[int, bytes] = {}
        self._bundles = bundles(units)
        self._pieces = pieces_for(len(self._bundles), runtime.engine.slots)

    @property
    def outcomes(self) -> list[bytes]:
        """The outcomes of all units, in their order."""
        return [self._found[i] for i in range(len(self._units))]

    def tasks(self) -> Iterator[BundleTask]:
        """Yield what is left to be measured, bundle by bundle, as there is room for it."""
        shrunk: dict[int, Batches] = {}
        for numbers in self._bundles:
            size = self._units[numbers[0]].batch_size
            batches = shrunk.setdefault(size, Batches(size, self._runtime.device))
            left = self._left(numbers, batches.size)
            own = [self._units[i] for i in left]
            for part in own[0].pieces(own, self._pieces) if own else ():
                taken, left = left[: len(part)], left[len(part) :]
                yield BundleTask(part, taken, self._runtime, batches)

    def found(self, task: int, i: int, address: str, content: bytes, *, alike: bool) -> None:
        """Keep an outcome; that of a task that was run again may be known."""
        if i in self._found:
            self._counter.add(0, task=task)
            return
        unit = self._units[i]
        if unit.cacheable and alike:  # an address names one environment
            self._store(unit, address, content)
        self._found[i] = content
        self._counter.add(unit.cost, kept=0, task=task)

    def _store(self, unit: Unit, address: str, content: bytes) -> None:
        if unit.resumes:
            _store(unit, address, content, self._runtime)
            self._counter.keep(unit.cost)
        else:
            self._writer.write(address, content, unit.cost)

    def _left(self, numbers: Sequence[int], size: int) -> list[int]:
        """Take the outcomes that the store holds; return the numbers of the other units."""
        units = {i: self._units[i].in_batches(size) for i in numbers}
        held = _held(units, self._runtime)
        self._found |= held
        for i in held:
            self._counter.add(self._units[i].cost)
        return [i for i in numbers if i not in held]


def _held(units: Mapping[int, Unit], runtime: Runtime) -> dict[int, bytes]:
    """Return what the store holds of units by their numbers."""
    addresses = {i: unit.address for i, unit in units.items() if unit.cacheable}
    held = runtime.store.held(addresses.values())
    return {i: held[address] for i, address in addresses.items() if address in held}


def _store(unit: Unit, address: str, content: bytes, runtime: Runtime) -> None:
    """Store an outcome; only then is the state of its training no longer needed."""
    runtime.store.write(address, content)
    if unit.resumes:
        runtime.store.drop(state_key(address))


def _mixed(engine: Engine) -> Iterator[str]:
    if engine.mixed:
        yield f"measured in environments that differ: {'; '.join(engine.mixed)}"
