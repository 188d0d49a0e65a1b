"""What networks are shown: conditions of one noise suite, and what they made of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.checkpoints import image_preparation
from acn_eval.corruptions import Context, NoiseKey, noise_digest
from acn_eval.data import Examples, Geometry, channel_moments
from acn_eval.errors import Unsupported
from acn_eval.inference import (
    EvaluatedModel,
    ForwardUnit,
    Numeric,
    Pass,
    Question,
    certificate,
    numeric_for,
)
from acn_eval.inputs import InputSpec, ShownBatch
from acn_eval.results import Skip
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.record import Answer, cell_of
from acn_eval.study.request import Request
from acn_eval.study.suite import Suite

__all__ = [
    "Showing",
    "Shown",
    "digest_of",
    "first_shown",
    "noise_context",
    "possible",
    "spec_of",
]

_DIGESTED = 8
_CERTIFIED = 64


@dataclass(frozen=True)
class Shown:
    """What one checkpoint made of every condition.

    Attributes:
        outcomes: (exits, n) per question, of dtype `acn_eval.inference.cache.OUTCOME`.
        labels: (n,), in the same order.
        skipped, numeric, certificate, noise_digest: as in `Answer`.
    """

    questions: Sequence[Question]
    outcomes: Sequence[NDArray[np.void]]
    labels: NDArray[np.int64]
    skipped: tuple[Skip, ...]
    numeric: Numeric
    certificate: Mapping[str, Any]
    noise_digest: str

    def answer(self) -> Answer:
        """Return the cells of the last exit."""
        cells = (
            cell_of(q.condition, o[-1], self.labels, primary=q.primary)
            for q, o in zip(self.questions, self.outcomes, strict=True)
        )
        return Answer(
            tuple(cells), self.skipped, self.numeric, self.certificate, self.noise_digest
        )


@dataclass(frozen=True)
class Showing:
    """Networks that are shown examples under every condition, or clean alone.

    Attributes:
        noise: whose conditions; those that see the same pixels share one pass.
        examples: that are shown; of a block, `whole` has all.
        exits: keep what every exit makes of them, not the last alone.
        corrupted: False leaves the corruptions out.
    """

    noise: Robustness
    subjects: Sequence[EvaluatedModel]
    request: Request[Suite]
    examples: Examples
    whole: Examples
    exits: bool = False
    corrupted: bool = True

    @property
    def units(self) -> list[ForwardUnit]:
        """The units of all passes."""
        return [unit for job, _ in self._passes for unit in job.units]

    @property
    def cost(self) -> int:
        """Image evaluations: networks x conditions x images."""
        conditions = sum(len(job.subjects) * len(job.questions) for job, _ in self._passes)
        return conditions * len(self.examples)

    @property
    def numeric(self) -> Numeric:
        """Precision of the first pass."""
        return self._passes[0][0].numeric

    def shown(self, contents: Sequence[bytes]) -> list[Shown]:
        """Return what came of the units, per subject."""
        found: dict[int, Shown] = {}
        for job, skipped in self._passes:
            own, contents = contents[: len(job.units)], contents[len(job.units) :]
            found |= {
                id(subject): self._shown(job, skipped, subject, row)
                for subject, row in zip(job.subjects, job.joined(own), strict=True)
            }
        return [found[id(subject)] for subject in self.subjects]

    def _shown(
        self,
        job: Pass,
        skipped: tuple[Skip, ...],
        subject: EvaluatedModel,
        row: Sequence[NDArray[np.void]],
    ) -> Shown:
        checkpoint, first = subject.checkpoint, self._first(job.spec)
        runtime = self.request.runtime
        batch = checkpoint.prepare(first).to(runtime.device)
        return Shown(
            questions=job.questions,
            outcomes=row,
            labels=self.examples.labels,
            skipped=skipped,
            numeric=job.numeric,
            certificate=certificate(
                checkpoint.model, batch, job.numeric, min(runtime.batch_size, len(first))
            ),
            noise_digest=digest_of(self.noise, first, job.context, self.whole, job.seed),
        )

    @cached_property
    def _passes(self) -> list[tuple[Pass, tuple[Skip, ...]]]:
        """One pass per spec, and what its pictures cannot show."""
        specs = [spec_of(self.noise, subject) for subject in self.subjects]
        pairs = list(zip(specs, self.subjects, strict=True))
        return [
            self._pass(spec, [s for g, s in pairs if g == spec]) for spec in dict.fromkeys(specs)
        ]

    def _pass(
        self, spec: InputSpec[Any], subjects: Sequence[EvaluatedModel]
    ) -> tuple[Pass, tuple[Skip, ...]]:
        questions, skipped = possible(self.noise, spec, corrupted=self.corrupted)
        runtime, most = self.request.runtime, max(s.checkpoint.id.flops for s in subjects)
        job = Pass(
            subjects=subjects,
            examples=self.examples,
            questions=questions,
            spec=spec,
            seed=self.request.seed,
            # one precision for all: a fair pair is measured alike
            numeric=numeric_for(runtime.precision, runtime.device, most),
            device=runtime.device.type,
            context=noise_context(self.noise, spec, self.whole),
            exits=self.exits,
        )
        return job, skipped

    def _first(self, spec: InputSpec[Any]) -> ShownBatch:
        return first_shown(self.whole, spec, self.request.runtime.device)


def spec_of(noise: Robustness, subject: EvaluatedModel) -> InputSpec[Any]:
    """Return what a subject is shown.

    Raises:
        Unsupported: a size of images, for a network that reads none.
    """
    if noise.image_size is None:
        return subject.checkpoint.prepare.spec
    return replace(image_preparation(subject.checkpoint).spec, size=noise.image_size)


def possible(
    noise: Robustness, spec: InputSpec[Any], *, corrupted: bool = True
) -> tuple[list[Question], tuple[Skip, ...]]:
    """Return the questions that can be asked of examples of a spec, and the others."""
    questions: list[Question] = []
    skipped: list[Skip] = []
    for question in noise.questions():
        if not corrupted and question.corruption is not None:
            continue
        try:
            if question.corruption is not None:
                question.corruption.check_spec(spec)
            questions.append(question)
        except Unsupported as reason:
            skipped.append(Skip(question.condition, str(reason)))
    return questions, tuple(skipped)


def noise_context(noise: Robustness, spec: InputSpec[Any], examples: Examples) -> Context:
    """Return what the noise has to know of the data set."""
    if isinstance(spec, Geometry) and any(c.needs_std for c in noise.corruptions):
        return Context(channel_moments(examples, spec)[1])
    return Context()


def first_shown(examples: Examples, spec: InputSpec[Any], device: torch.device) -> ShownBatch:
    """Return the examples, as corruptions see them, that are certified and digested."""
    where = np.arange(min(_CERTIFIED, len(examples)))
    # On the CPU, so that digests agree: a GPU multiplies by 1 / 255 where a CPU divides.
    shown: ShownBatch = spec.upload(examples.read(where, spec), torch.device("cpu"))
    return shown.to(device)


def digest_of(
    noise: Robustness, first: ShownBatch, context: Context, examples: Examples, seed: int
) -> str:
    """Return the digest of the first examples of the examples under every condition."""
    ids = torch.from_numpy(examples.ids[:_DIGESTED]).to(first.device)
    key = NoiseKey(seed)
    return noise_digest(noise.corruptions, first[:_DIGESTED], ids, key=key, context=context)
