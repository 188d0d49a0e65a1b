"""The one pass over images: decoded once, noise drawn once, all conditions x all checkpoints.

For every chunk of images, in a keyed order: what is already in the store is taken from there;
the rest is computed batch by batch on the device, read back once, and stored.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from acn_eval.checkpoints import Checkpoint
from acn_eval.corruptions import NOISE_VERSION, Context, NoiseKey
from acn_eval.data import Examples, Geometry
from acn_eval.passes.finite import require_measured
from acn_eval.passes.memory import Batches
from acn_eval.passes.place import Place
from acn_eval.passes.precision import Numeric, running
from acn_eval.passes.question import ClassMap, Decision, Question
from acn_eval.passes.store import OUTCOME

__all__ = ["Pass", "Progress", "Subject", "one_pass", "prepared"]

Progress = Callable[[int, int], None]
"""Called with (image-forwards done, image-forwards in all)."""
Pair = tuple[int, int]
"""Indices of a subject and of a question."""


@dataclass(frozen=True)
class Subject:
    """A checkpoint that is asked, and how its classes correspond to those of the data."""

    checkpoint: Checkpoint
    classes: ClassMap


@dataclass(frozen=True)
class Pass:
    """Everything that one pass is about; the geometry is shared by its subjects.

    Attributes:
        seed: of the noise.
        numeric: precision in force.
        context: channel std, for noise in normalised space.
        exits: ask every exit, from the same forward pass; otherwise the last alone.
    """

    subjects: Sequence[Subject]
    examples: Examples
    questions: Sequence[Question]
    geometry: Geometry
    place: Place
    seed: int
    numeric: Numeric
    context: Context
    exits: bool = False


@dataclass
class _Counter:
    total: int
    progress: Progress
    done: int = field(default=0)

    def add(self, n: int) -> None:
        self.done += n
        self.progress(self.done, self.total)


def one_pass(job: Pass, progress: Progress) -> list[list[NDArray[np.void]]]:
    """Return outcomes (exits, n) of dtype `OUTCOME` per subject and question, in order.

    Images are in the order of the examples, exits in that of their depth; without `Pass.exits`
    there is one, the last.

    The numbers depend on nothing but the questions: not on batch size (beyond rounding, which
    the certificate counts), chunks, order, or what was in the store.

    Raises:
        MeasureError: logits that are NaN or infinite; counts the images of every condition.
    """
    counter = _Counter(len(job.subjects) * len(job.questions) * len(job.examples), progress)
    counter.add(0)
    batches = Batches(job.place.batch_size, job.place.device)
    parts: list[list[list[NDArray[np.void]]]] = [[[] for _ in job.questions] for _ in job.subjects]
    for chunk in chunks(job):
        for s, q, outcomes in _chunk(job, chunk, batches, counter):
            parts[s][q].append(outcomes)
    found = [[np.concatenate(pieces, axis=1) for pieces in row] for row in parts]
    for subject, row in zip(job.subjects, found, strict=True):
        bad = [np.isnan(outcomes["confidence"]).any(axis=0) for outcomes in row]
        require_measured(subject.checkpoint.id.name, job.questions, bad, "logits", job.numeric)
    return found


def chunks(job: Pass) -> Iterator[Examples]:
    """Yield the examples in the pieces that are stored."""
    size = _chunk_size(max(s.checkpoint.id.flops for s in job.subjects))
    for start in range(0, len(job.examples), size):
        yield job.examples.at(np.arange(start, min(start + size, len(job.examples))))


def _chunk_size(flops: int) -> int:
    """Images between two writes: 2048, or fewer (64 at least) where a network is expensive.

    It depends on the most expensive network alone, so that other runs of the same networks, or
    of one with another cheaper one, find the same chunks.
    """
    affordable = int(1e12 / max(flops, 1))
    return max(64, min(2048, 1 << max(affordable, 1).bit_length() - 1))


def _chunk(
    job: Pass, chunk: Examples, batches: Batches, counter: _Counter
) -> Iterator[tuple[int, int, NDArray[np.void]]]:
    store = job.place.store
    missing: list[tuple[int, int, str]] = []
    for s in range(len(job.subjects)):
        for q in range(len(job.questions)):
            key = store.key(facts(job, s, q, chunk))
            known = store.get(key) if is_file(job.subjects[s]) else None
            if known is None:
                missing.append((s, q, key))
            else:
                counter.add(len(chunk))
                yield s, q, known.reshape(-1, len(chunk))
    computed = _computed(job, chunk, [(s, q) for s, q, _ in missing], batches, counter)
    for (s, q, key), outcomes in zip(missing, computed, strict=True):
        if is_file(job.subjects[s]):
            store.put(key, outcomes)
        yield s, q, outcomes


def is_file(subject: Subject) -> bool:
    """Whether the record decides the numbers: the code of a network in memory is not in it."""
    return not subject.checkpoint.id.uri.startswith("memory:")


def facts(job: Pass, s: int, q: int, chunk: Examples) -> list[Any]:
    """Everything that decides the outcomes of one subject, question and chunk."""
    content = hashlib.sha256(chunk.ids.tobytes() + chunk.hashes.tobytes()).hexdigest()
    subject, question = job.subjects[s], job.questions[q]
    noisy = question.corruption is not None
    return [
        "outcomes v2",
        subject.checkpoint.id.sha256,
        subject.checkpoint.id.arch,
        subject.checkpoint.id.preprocessing,
        {"columns": subject.classes.columns, "restricted": subject.classes.restricted},
        asdict(job.geometry),
        content,
        dict(question.condition),
        [job.seed, NOISE_VERSION, list(job.context.std)] if noisy else [],
        job.numeric,
        job.place.device.type,
        job.exits,
    ]


def _computed(
    job: Pass, chunk: Examples, wanted: list[Pair], batches: Batches, counter: _Counter
) -> list[NDArray[np.void]]:
    """Compute the wanted (subject, question) pairs; a batch too many is taken back and redone."""
    if not wanted:
        return []
    before = counter.done

    def attempt(size: int) -> list[NDArray[np.void]]:
        counter.add(before - counter.done)
        return _batches(job, chunk, wanted, size, counter)

    return batches.halving(attempt)


def _batches(
    job: Pass, chunk: Examples, wanted: list[Pair], size: int, counter: _Counter
) -> list[NDArray[np.void]]:
    kept: dict[Pair, Decision] = {}
    for start in range(0, len(chunk), size):
        where = np.arange(start, min(start + size, len(chunk)))
        for pair, images in inputs(job, chunk, where, wanted):
            subject = job.subjects[pair[0]]
            exits = _ask(job, subject.checkpoint, images)
            batch = [subject.classes.decide(logits) for logits in exits]
            if pair not in kept:
                kept[pair] = _room(batch, len(chunk))
            _keep(batch, kept[pair], slice(start, start + len(where)))
            counter.add(len(where))
    return [_read_back(chunk.ids, kept[pair]) for pair in wanted]


def _room(exits: Sequence[Decision], n: int) -> Decision:
    """Make room (exits, n) on the device, once: small pieces between images scatter the heap."""
    return Decision(*(part.new_empty(len(exits), n) for part in exits[0]))


def _keep(exits: Sequence[Decision], room: Decision, span: slice) -> None:
    for k, decision in enumerate(exits):
        for values, part in zip(room, decision, strict=True):
            values[k, span] = part


def inputs(
    job: Pass, chunk: Examples, where: NDArray[np.int64], wanted: Sequence[Pair]
) -> Iterator[tuple[Pair, Tensor]]:
    """Yield the network's input of one batch for every wanted pair; each noise is drawn once."""
    images = _uploaded(chunk.read(where, job.geometry), job.place.device)
    ids = torch.from_numpy(chunk.ids[where]).to(job.place.device)
    draws: dict[tuple[int, int], Tensor | None] = {}
    for q, question in enumerate(job.questions):
        subjects = [s for s, asked in wanted if asked == q]
        if not subjects:
            continue
        pixels = _shown(job, question, images, ids, draws)
        for s in subjects:
            yield (s, q), prepared(job.subjects[s].checkpoint, pixels)


def _ask(job: Pass, checkpoint: Checkpoint, images: Tensor) -> list[Tensor]:
    with running(job.numeric, job.place.device):
        return checkpoint.model.exits(images) if job.exits else [checkpoint.model(images)]


def _shown(
    job: Pass,
    question: Question,
    images: Tensor,
    ids: Tensor,
    draws: dict[tuple[int, int], Tensor | None],
) -> Tensor:
    corruption = question.corruption
    if corruption is None:
        return images
    key = (id(corruption), question.repeat)
    if key not in draws:
        noise = NoiseKey(job.seed, question.repeat)
        draws[key] = corruption.draw(images.shape, ids, noise)
    return corruption.corrupt(images, draws[key], question.level, job.context)


def prepared(checkpoint: Checkpoint, images: Tensor) -> Tensor:
    """Return the network's input: resized where the suite shows another size, then normalised."""
    size = checkpoint.prepare.geometry.size
    if images.shape[-1] != size:
        images = interpolate(images, size=(size, size), mode="bilinear", antialias=True)
    return checkpoint.prepare.normalise(images)


def _uploaded(images: Tensor, device: torch.device) -> Tensor:
    """Send uint8 to the device, four times less than floats, and make [0, 1] there."""
    if device.type == "cuda":
        images = images.pin_memory()
    return images.to(device, non_blocking=True).to(torch.float32).div_(255)


def _read_back(ids: NDArray[np.int64], exits: Decision) -> NDArray[np.void]:
    outcomes = np.empty(exits.predicted.shape, OUTCOME)
    outcomes["id"] = ids
    for name, values in exits._asdict().items():
        outcomes[name] = values.cpu().numpy()
    return outcomes
