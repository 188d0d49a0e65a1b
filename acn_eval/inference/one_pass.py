"""The one pass over examples: read once, noise drawn once, all conditions x all checkpoints.

For every chunk of examples, in a keyed order: what is already in the store is taken from there;
the rest is computed in groups that cost little, batch by batch on the device, and each group is
stored before the next: an interruption loses seconds.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.checkpoints import Checkpoint
from acn_eval.corruptions import NOISE_VERSION, Context, NoiseKey
from acn_eval.data import Examples
from acn_eval.inference.cache import OUTCOME
from acn_eval.inference.condition import ClassMap, Predictions, Question
from acn_eval.inference.finite import require_measured
from acn_eval.inference.memory import Batches
from acn_eval.inference.precision import Numeric, running
from acn_eval.inference.runtime import Runtime
from acn_eval.inputs import InputSpec, ShownBatch
from acn_eval.tally import Progress, Tally

__all__ = ["EvaluatedModel", "Pass", "Progress", "one_pass"]

_DECODED = 2**28  # values of examples at a time, a byte each
Pair = tuple[int, int]
"""Indices of a subject and of a question."""


@dataclass(frozen=True)
class EvaluatedModel:
    """A checkpoint that is asked, and how its classes correspond to those of the data."""

    checkpoint: Checkpoint
    classes: ClassMap


@dataclass(frozen=True)
class Pass:
    """Everything that one pass is about.

    Attributes:
        spec: what its subjects are shown, all the same.
        seed: of the noise.
        numeric: precision in force.
        context: what corruptions need of the data set.
        exits: ask every exit, from the same forward pass; otherwise the last alone.
    """

    subjects: Sequence[EvaluatedModel]
    examples: Examples
    questions: Sequence[Question]
    spec: InputSpec[Any]
    runtime: Runtime
    seed: int
    numeric: Numeric
    context: Context
    exits: bool = False


class Missing(NamedTuple):
    """A pair that has to be computed, and where its outcomes go."""

    subject: int
    question: int
    key: str

    @property
    def pair(self) -> Pair:
        """Without the key."""
        return self.subject, self.question


class Chunk(NamedTuple):
    """Examples that are stored together, and their content as it was read, once."""

    examples: Examples
    content: Any


def one_pass(job: Pass, progress: Progress) -> list[list[NDArray[np.void]]]:
    """Return outcomes (exits, n) of dtype `OUTCOME` per subject and question, in order.

    They are in the order of the examples, exits in that of their depth; without `Pass.exits`
    there is one, the last.

    The numbers depend on nothing but the questions: not on batch size (beyond rounding, which
    the certificate counts), chunks, order, or what was in the store.

    Raises:
        MeasureError: logits that are NaN or infinite; counts the examples of every condition.
    """
    batches = job.runtime.batches()
    parts: list[list[list[NDArray[np.void]]]] = [[[] for _ in job.questions] for _ in job.subjects]
    with tally(job, progress) as counter:
        counter.add(0)
        for chunk in chunks(job):
            for s, q, outcomes in _chunk(job, chunk, batches, counter):
                parts[s][q].append(outcomes)
    found = [[np.concatenate(pieces, axis=1) for pieces in row] for row in parts]
    for subject, row in zip(job.subjects, found, strict=True):
        bad = [np.isnan(outcomes["confidence"]).any(axis=0) for outcomes in row]
        require_measured(subject.checkpoint.id.name, job.questions, bad, "logits", job.numeric)
    return found


def tally(job: Pass, progress: Progress = lambda done, total: None) -> Tally:
    """Return the count of a pass: one per subject, question and example."""
    total = len(job.subjects) * len(job.questions) * len(job.examples)
    counter = Tally(total, "image evaluations", progress)
    if not job.runtime.store.readable:
        counter.remedy = "Without --no-cache, the same command goes on from there."
    if not all(map(is_file, job.subjects)):
        counter.remedy = "Networks in memory are never kept: they are measured again."
    return counter


def chunks(job: Pass) -> Iterator[Examples]:
    """Yield the examples in the pieces that are stored."""
    flops = max(s.checkpoint.id.flops for s in job.subjects)
    size = _chunk_size(flops, math.prod(job.spec.shape), _budget(job))
    for start in range(0, len(job.examples), size):
        yield job.examples.at(np.arange(start, min(start + size, len(job.examples))))


def _budget(job: Pass) -> float:
    """FLOPs between two writes: ten seconds or less, were it one of the slower CPUs or GPUs."""
    return 1e14 if job.runtime.device.type == "cuda" else 1e12


def _chunk_size(flops: int, values: int, budget: float) -> int:
    """Examples that are stored together: 2048, or fewer where network or examples are large.

    It depends on the most expensive network alone, so that other runs of the same networks, or
    of one with another cheaper one, find the same chunks.

    Args:
        flops: of that network and one example.
        values: of one example, a byte each.
        budget: FLOPs that one network may spend on one condition of a chunk.
    """
    affordable = min(2048, int(budget / max(flops, 1)), _DECODED // values)
    return 1 << max(affordable, 1).bit_length() - 1


def groups(job: Pass, n: int, missing: Sequence[Missing]) -> Iterator[list[Missing]]:
    """Split what is missing of n examples into groups that are computed, then kept, one by one.

    They follow the order of the questions, so that few noises are drawn for two groups.
    """
    group: list[Missing] = []
    spent = 0.0
    for one in sorted(missing, key=lambda one: (one.question, one.subject)):
        cost = n * job.subjects[one.subject].checkpoint.id.flops
        if group and spent + cost > _budget(job):
            yield group
            group, spent = [], 0.0
        group.append(one)
        spent += cost
    if group:
        yield group


def _chunk(
    job: Pass, examples: Examples, batches: Batches, counter: Tally
) -> Iterator[tuple[int, int, NDArray[np.void]]]:
    store, n = job.runtime.store, len(examples)
    missing: list[Missing] = []
    for s in range(len(job.subjects)):
        for q in range(len(job.questions)):
            key = store.key(facts(job, s, q, examples))
            known = store.get(key) if is_file(job.subjects[s]) else None
            if known is None:
                missing.append(Missing(s, q, key))
            else:
                counter.add(n)
                yield s, q, known.reshape(-1, n)
    if not missing:
        return
    chunk = decoded(job, examples)
    for group in groups(job, n, missing):
        pairs = [one.pair for one in group]
        found = batches.halving(partial(_batches, job, chunk, pairs, counter.show))
        for one in files(job, group):
            store.put(one.key, found[one.pair])
            counter.kept += n
        counter.add(n * len(group), kept=0)
        yield from ((*pair, outcomes) for pair, outcomes in found.items())


def decoded(job: Pass, examples: Examples) -> Chunk:
    """Read the content of a chunk."""
    return Chunk(examples, examples.read(np.arange(len(examples)), job.spec))


def files(job: Pass, group: Sequence[Missing]) -> list[Missing]:
    """Return what of a group may be kept."""
    return [one for one in group if is_file(job.subjects[one.subject])]


def is_file(subject: EvaluatedModel) -> bool:
    """Whether the record decides the numbers: the code of a network in memory is not in it."""
    return not subject.checkpoint.id.uri.startswith("memory:")


def facts(job: Pass, s: int, q: int, chunk: Examples) -> list[Any]:
    """Everything that decides the outcomes of one subject, question and chunk."""
    columns = (chunk.ids, chunk.hashes, chunk.labels)
    content = hashlib.sha256(b"".join(c.tobytes() for c in columns)).hexdigest()
    subject, question = job.subjects[s], job.questions[q]
    noisy = question.corruption is not None
    return [
        "outcomes v3",
        subject.checkpoint.id.sha256,
        subject.checkpoint.id.arch,
        subject.checkpoint.id.preprocessing,
        {"columns": subject.classes.columns, "restricted": subject.classes.restricted},
        job.spec.facts(),
        content,
        dict(question.condition),
        [job.seed, NOISE_VERSION, list(job.context.std)] if noisy else [],
        job.numeric,
        job.runtime.device.type,
        job.exits,
    ]


def _batches(
    job: Pass, chunk: Chunk, wanted: list[Pair], tell: Callable[[int], None], size: int
) -> dict[Pair, NDArray[np.void]]:
    n, kept, done = len(chunk.examples), dict[Pair, Predictions](), 0
    for start in range(0, n, size):
        span = slice(start, min(start + size, n))
        for pair, batch in inputs(job, chunk, span, wanted):
            subject = job.subjects[pair[0]]
            exits = _ask(job, subject.checkpoint, batch)
            labels = torch.from_numpy(chunk.examples.labels[span]).to(exits[0].device)
            decided = [subject.classes.decide(logits, labels) for logits in exits]
            if pair not in kept:
                kept[pair] = _room(decided, n)
            _keep(decided, kept[pair], span)
            done += len(batch)
            tell(done)
    return {pair: _read_back(chunk.examples.ids, kept[pair]) for pair in wanted}


def _room(exits: Sequence[Predictions], n: int) -> Predictions:
    """Make room (exits, n) on the device, once: small pieces between batches scatter the heap."""
    return Predictions(*(part.new_empty(len(exits), n) for part in exits[0]))


def _keep(exits: Sequence[Predictions], room: Predictions, span: slice) -> None:
    for k, decision in enumerate(exits):
        for values, part in zip(room, decision, strict=True):
            values[k, span] = part


def inputs(
    job: Pass, chunk: Chunk, span: slice, wanted: Sequence[Pair]
) -> Iterator[tuple[Pair, Any]]:
    """Yield the network's input of one batch for every wanted pair; each noise is drawn once."""
    clean = job.spec.upload(chunk.content[span], job.runtime.device)
    ids = torch.from_numpy(chunk.examples.ids[span]).to(job.runtime.device)
    draws: dict[tuple[int, int], Tensor | None] = {}
    for q, question in enumerate(job.questions):
        subjects = [s for s, asked in wanted if asked == q]
        if not subjects:
            continue
        shown = _shown(job, question, clean, ids, draws)
        for s in subjects:
            batch = job.subjects[s].checkpoint.prepare(shown)
            yield (s, q), batch.to(job.runtime.device)


def _ask(job: Pass, checkpoint: Checkpoint, batch: Any) -> list[Tensor]:
    with running(job.numeric, job.runtime.device):
        return checkpoint.model.exits(batch) if job.exits else [checkpoint.model(batch)]


def _shown(
    job: Pass,
    question: Question,
    clean: ShownBatch,
    ids: Tensor,
    draws: dict[tuple[int, int], Tensor | None],
) -> ShownBatch:
    corruption = question.corruption
    if corruption is None:
        return clean
    key = (id(corruption), question.repeat)
    if key not in draws:
        noise = NoiseKey(job.seed, question.repeat)
        draws[key] = corruption.draw(clean.shape, ids, noise)
    corrupted: ShownBatch = corruption.corrupt(clean, draws[key], question.level, job.context)
    return corrupted


def _read_back(ids: NDArray[np.int64], exits: Predictions) -> NDArray[np.void]:
    outcomes = np.empty(exits.predicted.shape, OUTCOME)
    outcomes["id"] = ids
    for name, values in exits._asdict().items():
        outcomes[name] = values.cpu().numpy()
    return outcomes
