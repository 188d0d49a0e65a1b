"""Forward passes as units of work: examples are read once, noise is drawn once for all networks.

A unit is one network under one condition on one chunk of examples. Units of one chunk are measured
together, in groups that cost little, batch by batch on the device: an interruption loses seconds.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby, product
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.cache import OUTCOME, OutcomeCache
from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.corruptions import NOISE_VERSION, Context, NoiseKey
from acn_eval.data.examples import Examples
from acn_eval.errors import MeasureError
from acn_eval.inference.condition import CLEAN, ClassMap, Question
from acn_eval.inference.precision import Numeric, running
from acn_eval.inference.profile import NumericProfile
from acn_eval.inference.runtime import Runtime
from acn_eval.inference.upload import uploaded
from acn_eval.inputs import InputSpec, ShownBatch
from acn_eval.statistics.comparison import name_of

__all__ = ["EvaluatedModel", "ForwardUnit", "Pass"]

_DECODED = 2**28  # bytes of content at a time
_SHOWN = 3  # conditions in a message
Show = Callable[[int], None]
Draws = dict[Hashable, Tensor | None]


@dataclass(frozen=True)
class EvaluatedModel:
    """A checkpoint, and how its classes correspond to those of the data."""

    checkpoint: Checkpoint
    classes: ClassMap


@dataclass(frozen=True)
class ForwardUnit:
    """One network under one condition on one chunk of examples; the other fields are of `Pass`."""

    kind: ClassVar[tuple[str, ...]] = ("outcomes v4",)
    what: ClassVar[str] = "logits"
    axis: ClassVar[int] = 1  # of the examples in what `answer` returns
    record: ClassVar[np.dtype[Any]] = OUTCOME  # of an example and exit: its id, then the answer
    resumes: ClassVar[bool] = False

    subject: EvaluatedModel
    question: Question
    examples: Examples
    spec: InputSpec[Any]
    seed: int
    profile: NumericProfile
    context: Context
    exits: bool

    @cached_property
    def address(self) -> str:
        """Content address of everything that decides the outcomes."""
        checkpoint, classes = self.subject.checkpoint.id, self.subject.classes
        return OutcomeCache.key(
            [
                *self.kind,
                checkpoint.sha256,
                checkpoint.arch,
                checkpoint.preprocessing,
                {"columns": classes.columns, "restricted": classes.restricted},
                self.spec.facts(),
                self.examples.digest,
                dict(self.question.condition),
                self._noise,
                self.profile.facts(),
                self.exits,
            ]
        )

    @property
    def _noise(self) -> list[Any]:
        """What decides the corrupted content beside the condition and the examples."""
        asked, context = self.question, self.context
        if asked.corruption is None:
            return []
        ids = torch.from_numpy(self.examples.ids)
        stamp = asked.corruption.stamp(ids, asked.level, context)
        return [self.seed, NOISE_VERSION, list(context.std), *stamp]

    @property
    def title(self) -> str:
        """Network, condition and number of examples."""
        condition = name_of(dict(self.question.condition))
        return f"{self.subject.checkpoint.id.name}, {condition}, {self.cost:,} examples"

    @property
    def cost(self) -> int:
        """Number of examples."""
        return len(self.examples)

    @property
    def bundle(self) -> Hashable:
        """The examples: they are read once for all networks and conditions."""
        return id(self.examples), self.spec, self.profile

    @property
    def batch_size(self) -> int:
        """Examples per forward pass."""
        return self.profile.batch_size

    def in_batches(self, size: int) -> Self:
        """Return the same in smaller batches, which is another profile."""
        return replace(self, profile=replace(self.profile, batch_size=size))

    @property
    def cacheable(self) -> bool:
        """Whether the network has a file."""
        return self.subject.checkpoint.id.cacheable

    @classmethod
    def pieces(cls, units: Sequence[Self], count: int) -> Sequence[Sequence[Self]]:
        """Cut between questions, whose noise all networks share, into parts of like FLOPs."""
        parts: list[list[Self]] = []
        whole, spent = sum(map(cls._flops, units)), 0
        for _, same in groupby(units, key=lambda unit: unit.question):
            own = list(same)
            if not parts or spent * count >= whole * len(parts):
                parts.append([])
            parts[-1] += own
            spent += sum(map(cls._flops, own))
        return parts

    def _flops(self) -> int:
        return self.cost * self.subject.checkpoint.id.flops

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield what networks made of a chunk, group by group; see `acn_eval.study.run.Unit`."""
        examples = units[0].examples
        content = examples.read(np.arange(len(examples)), units[0].spec)
        for group in _groups(units):
            rooms = _forward(group, content, runtime, show)
            yield from (unit.packed(room) for unit, room in zip(group, rooms, strict=True))

    def answer(self, batch: Any, labels: Tensor) -> tuple[Tensor, ...]:
        """Return the fields of `Predictions`, each (exits, n), of a prepared batch."""
        exits = self.outputs(batch)
        labels = labels.to(exits[0].device)
        each = [self.subject.classes.decide(logits, labels) for logits in exits]
        return tuple(torch.stack(part) for part in zip(*each, strict=True))

    def outputs(self, batch: Any) -> list[Tensor]:
        """Return what every exit, or the last one alone, gives of a prepared batch."""
        model = self.subject.checkpoint.model
        with running(self.profile.precision, batch.device):
            return model.exits(batch) if self.exits else [model(batch)]

    def packed(self, parts: Sequence[Tensor]) -> bytes:
        """Return answers about all examples of the chunk as bytes."""
        outcomes = np.empty(tuple(parts[0].shape), self.record)
        outcomes["id"] = self.examples.ids
        for name, values in zip((self.record.names or ())[1:], parts, strict=True):
            outcomes[name] = values.cpu().numpy()
        return outcomes.tobytes()

    @classmethod
    def unpacked(cls, content: bytes, n: int) -> NDArray[Any]:
        """Read what `packed` returned: (exits, n) of the unit's record."""
        return np.frombuffer(content, cls.record).reshape(-1, n)

    @classmethod
    def broken(cls, found: NDArray[Any]) -> NDArray[np.bool_]:
        """Return the examples (n,) for which there is no number."""
        return np.asarray(np.isnan(found["confidence"]).any(axis=0))


@dataclass(frozen=True)
class Pass:
    """Everything that one pass is about; the spec is shared by its subjects.

    Attributes:
        seed: of the noise.
        profile: of the forward passes.
        context: channel std, for noise in normalized space.
        exits: whether every exit is read from the same forward pass, or the last one only.
        unit: what is read of the networks.
    """

    subjects: Sequence[EvaluatedModel]
    examples: Examples
    questions: Sequence[Question]
    spec: InputSpec[Any]
    seed: int
    profile: NumericProfile
    context: Context = field(default_factory=Context)
    exits: bool = False
    unit: type[ForwardUnit] = ForwardUnit

    @staticmethod
    def clean(
        subject: EvaluatedModel,
        examples: Examples,
        runtime: Runtime,
        numeric: Numeric = "fp32",
        unit: type[ForwardUnit] = ForwardUnit,
    ) -> "Pass":
        """Return the pass of one network over clean examples."""
        spec, flops = subject.checkpoint.prepare.spec, subject.checkpoint.id.flops
        profile = runtime.profile(numeric, flops)
        return Pass([subject], examples, [Question(CLEAN)], spec, 0, profile, unit=unit)

    @cached_property
    def units(self) -> list[ForwardUnit]:
        """Every network under every question, chunk by chunk."""
        terms = self.spec, self.seed, self.profile, self.context, self.exits
        chunks = [self.examples.at(np.arange(*bounds)) for bounds in self._bounds]
        pairs = list(product(self.questions, self.subjects))
        return [self.unit(s, q, chunk, *terms) for chunk in chunks for q, s in pairs]

    def joined(self, contents: Sequence[bytes]) -> list[list[NDArray[Any]]]:
        """Return an array for each subject and question, examples and exits in their order.

        The numbers depend on the questions and the profile alone: not on chunks, order, or the
        content of the cache.

        Raises:
            MeasureError: logits or features are NaN or infinite; the message counts the examples
                of every condition.
        """
        pairs = len(self.questions) * len(self.subjects)
        found: list[list[NDArray[Any]]] = []
        for s, subject in enumerate(self.subjects):
            first = range(s, pairs, len(self.subjects))
            row = [self._joined(contents[start::pairs]) for start in first]
            self._require_finite(subject.checkpoint.id.name, map(self.unit.broken, row))
            found.append(row)
        return found

    def _require_finite(self, name: str, bad: Iterable[NDArray[np.bool_]]) -> None:
        """Refuse a network that gave NaN or infinity for examples (n,), by question."""
        found = [
            f"{int(b.sum())} of {b.size} examples under {name_of(q.condition)}"
            for q, b in zip(self.questions, bad, strict=True)
            if b.any()
        ]
        if not found:
            return
        more = f" and under {len(found) - _SHOWN} more conditions" if len(found) > _SHOWN else ""
        msg = f"{name}: {self.unit.what} must be finite; got NaN or infinity for"
        remedy = " It may be finite in fp32." if self.profile.precision == "bf16" else ""
        raise MeasureError(f"{msg} {', '.join(found[:_SHOWN])}{more}.{remedy}")

    def _joined(self, contents: Sequence[bytes]) -> NDArray[Any]:
        pairs = zip(contents, self._bounds, strict=True)
        parts = [self.unit.unpacked(content, end - begin) for content, (begin, end) in pairs]
        return np.concatenate(parts, axis=self.unit.axis)

    @property
    def _bounds(self) -> list[tuple[int, int]]:
        """Where the chunks begin and end."""
        values = math.prod(self.spec.shape)
        flops = max(s.checkpoint.id.flops for s in self.subjects)
        size, whole = _chunk_size(flops, values, _budget(self.profile.device)), len(self.examples)
        return [(start, min(start + size, whole)) for start in range(0, whole, size)]


def _budget(device: str) -> float:
    """FLOPs between two writes: at most ten seconds on a slow device of the kind."""
    return 1e14 if device == "cuda" else 1e12


def _chunk_size(flops: int, values: int, budget: float) -> int:
    """Return a number of examples: 2048, or fewer where network or examples are large.

    It depends on the most expensive network alone, so that it finds the same chunks in the cache
    when it is measured again, or beside other, cheaper networks.
    """
    affordable = min(2048, int(budget / max(flops, 1)), _DECODED // values)
    return 1 << max(affordable, 1).bit_length() - 1


def _groups(units: Sequence[ForwardUnit]) -> Iterator[list[ForwardUnit]]:
    """Split units into groups that are computed and then stored, in the order of the questions."""
    group: list[ForwardUnit] = []
    spent = 0.0
    for unit in units:
        cost = unit._flops()
        if group and spent + cost > _budget(unit.profile.device):
            yield group
            group, spent = [], 0.0
        group.append(unit)
        spent += cost
    if group:
        yield group


def _forward(
    group: Sequence[ForwardUnit], content: Any, runtime: Runtime, show: Show
) -> list[tuple[Tensor, ...]]:
    """Return what each unit answers about the content of a chunk."""
    examples, device = group[0].examples, runtime.device
    ids, labels = (torch.from_numpy(own).to(device) for own in (examples.ids, examples.labels))
    spec, n, done, start = group[0].spec, len(content), 0, 0
    rooms: list[tuple[Tensor, ...]] = []
    for clean in uploaded(spec, content, group[0].batch_size, device):
        span, draws = slice(start, start + len(clean)), Draws()
        shown, last = clean, None
        for i, unit in enumerate(group):
            own = unit.question, unit.seed, unit.context
            if own != last:  # networks under one question are neighbors
                shown, last = _shown(unit, clean, ids[span], draws), own
            batch = unit.subject.checkpoint.prepare(shown).to(device)
            parts = unit.answer(batch, labels[span])
            if not start:
                rooms.append(tuple(_room(part, unit.axis, n) for part in parts))
            for room, part in zip(rooms[i], parts, strict=True):
                room.narrow(unit.axis, start, len(clean)).copy_(part)
            done += len(clean)
            show(done)
        start = span.stop
    return rooms


def _room(part: Tensor, axis: int, n: int) -> Tensor:
    """Room for n examples, allocated once: pieces between batches would scatter the heap."""
    return part.new_empty(*part.shape[:axis], n, *part.shape[axis + 1 :])


def _shown(unit: ForwardUnit, clean: ShownBatch, ids: Tensor, draws: Draws) -> ShownBatch:
    """Return a batch under the unit's condition; each noise is drawn once for it."""
    question = unit.question
    corruption = question.corruption
    if corruption is None:
        return clean
    key = corruption, unit.seed, question.repeat
    if key not in draws:
        draws[key] = corruption.draw(clean.shape, ids, NoiseKey(unit.seed, question.repeat))
    shown: ShownBatch = corruption.corrupt(clean, draws[key], question.level, unit.context)
    return shown
