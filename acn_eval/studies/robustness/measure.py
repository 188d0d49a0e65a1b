"""Shows networks examples under the conditions of a robustness suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.checkpoints import image_preparation
from acn_eval.corruptions import Context, Corruption, Given, NoiseKey, noise_digest
from acn_eval.data import Examples, Geometry, channel_moments
from acn_eval.data.given import GivenImages
from acn_eval.errors import DataError, Unsupported
from acn_eval.inference import (
    CLEAN,
    EvaluatedModel,
    ForwardUnit,
    Numeric,
    NumericProfile,
    Pass,
    Question,
    certificate,
    numeric_for,
)
from acn_eval.inputs import InputSpec, ShownBatch
from acn_eval.models.bert import Bert
from acn_eval.results import Skip
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.record import Answer, cell_of
from acn_eval.study.request import Request
from acn_eval.study.suite import Suite

__all__ = ["Showing", "Shown", "digest_of", "first_shown", "noise_context"]

_DIGESTED = 8
_CERTIFIED = 64


@dataclass(frozen=True)
class Shown:
    """What one checkpoint answered under every condition; other fields are those of `Answer`.

    Attributes:
        outcomes: (exits, n) per question, records of the unit.
        labels: (n,), or numbers, in the same order.
    """

    questions: Sequence[Question]
    outcomes: Sequence[NDArray[np.void]]
    labels: NDArray[Any]
    skipped: tuple[Skip, ...]
    numeric: Numeric
    certificate: Mapping[str, Any]
    noise_digest: str

    def answer(self) -> Answer:
        """Return the cells of the last exit."""
        cells = tuple(
            cell_of(q.condition, o[-1], self.labels, primary=q.primary)
            for q, o in zip(self.questions, self.outcomes, strict=True)
        )
        facts = cells, self.skipped, self.numeric, self.certificate, self.noise_digest
        return Answer(*facts, warnings=self._aside())

    def _aside(self) -> tuple[str, ...]:
        """Name what does not count in the mean, and say why."""
        asked = (q.corruption for q in self.questions)
        kinds = dict.fromkeys(c.kind for c in asked if c is not None and c.inside)
        said = "it is in no mean with others, because a level does not disturb all networks alike"
        return tuple(f"{kind}: {said}" for kind in kinds)


@dataclass(frozen=True)
class Showing:
    """Networks that are shown examples under every condition; those of one spec share a pass.

    Attributes:
        noise: whose conditions; None shows clean examples alone.
        examples: that are shown, of the request's or of another split.
        exits: keep the answers of every exit, not of the last alone.
        corrupted: False leaves out the corruptions, and keeps the size of the images.
        unit: what is read of the networks.
    """

    noise: Robustness | None
    subjects: Sequence[EvaluatedModel]
    request: Request[Suite]
    examples: Examples
    exits: bool = False
    corrupted: bool = True
    unit: type[ForwardUnit] = ForwardUnit

    @property
    def units(self) -> list[ForwardUnit]:
        """The units of all passes."""
        return [unit for job, _ in self._passes for unit in job.units]

    @property
    def numeric(self) -> Numeric:
        """Precision of the first pass."""
        return self.profile.precision

    @property
    def profile(self) -> NumericProfile:
        """Of the first pass."""
        return self._passes[0][0].profile

    def joined(
        self, contents: Sequence[bytes]
    ) -> list[tuple[Pass, tuple[Skip, ...], list[NDArray[Any]]]]:
        """Return per subject its pass, what that cannot show, and an array per question."""
        found = {}
        for job, skipped in self._passes:
            own, contents = contents[: len(job.units)], contents[len(job.units) :]
            for subject, row in zip(job.subjects, job.joined(own), strict=True):
                found[id(subject)] = job, skipped, row
        return [found[id(subject)] for subject in self.subjects]

    def shown(self, contents: Sequence[bytes]) -> list[Shown]:
        """Return what the units found, per subject."""
        found = zip(self.subjects, self.joined(contents), strict=True)
        firsts = {job.spec: self._first(job) for job, _ in self._passes}
        return [self._shown(subject, *own, *firsts[own[0].spec]) for subject, own in found]

    def _first(self, job: Pass) -> tuple[ShownBatch, str]:
        """Return the first examples as the networks of a pass see them, and the noise digest."""
        whole = self.request.whole
        first = first_shown(whole, job.spec, self.request.runtime.device)
        return first, digest_of(self.noise, first, job.context, whole, job.seed)

    def _shown(
        self,
        subject: EvaluatedModel,
        job: Pass,
        skipped: tuple[Skip, ...],
        row: Sequence[NDArray[np.void]],
        first: ShownBatch,
        noise_digest: str,
    ) -> Shown:
        return Shown(
            questions=job.questions,
            outcomes=row,
            labels=self.examples.answers,
            skipped=skipped,
            numeric=job.profile.precision,
            certificate=self._certificate(subject, job.profile, first, row[0][-1]),
            noise_digest=noise_digest,
        )

    def _certificate(
        self,
        subject: EvaluatedModel,
        profile: NumericProfile,
        first: ShownBatch,
        clean: NDArray[np.void],
    ) -> dict[str, Any]:
        """Certify the first examples; outcomes (n,) of clean ones serve where they are these.

        They are prepared batch by batch, because sentences are padded to the longest of a batch.
        Numbers are not certified: each changes in its last digits.
        """
        if self.request.whole.targets is not None:
            return {}
        model, prepare = subject.checkpoint.model, subject.checkpoint.prepare
        n, device = len(first), first.device

        def predict(shown: Any) -> Tensor:
            return subject.classes.decide(model(prepare(shown).to(device))).predicted

        same = np.array_equal(clean["id"][:n], self.request.whole.ids[:n])
        known = same and device.type == "cpu"  # elsewhere `first` is rounded otherwise
        measured = torch.from_numpy(clean["predicted"][:n].copy()).to(device)
        own = profile.precision, profile.batch_size, measured if known else None
        return certificate(predict, first, *own)

    @cached_property
    def _passes(self) -> list[tuple[Pass, tuple[Skip, ...]]]:
        """One pass per spec, and what examples of the spec cannot show."""
        specs = [self.spec_of(subject) for subject in self.subjects]
        pairs = list(zip(specs, self.subjects, strict=True))
        return [
            self._pass(spec, [s for g, s in pairs if g == spec]) for spec in dict.fromkeys(specs)
        ]

    def _pass(
        self, spec: InputSpec[Any], subjects: Sequence[EvaluatedModel]
    ) -> tuple[Pass, tuple[Skip, ...]]:
        context = self._context(spec)
        questions, skipped = self._possible(spec, context)
        runtime, most = self.request.runtime, max(s.checkpoint.id.flops for s in subjects)
        # one precision and one size of batches for all: a fair pair is measured alike
        profile = runtime.profile(numeric_for(runtime.precision, runtime.device, most), most)
        job = Pass(
            subjects=subjects,
            examples=self.examples,
            questions=questions,
            spec=spec,
            seed=self.request.seed,
            profile=profile,
            context=context,
            exits=self.exits,
            unit=self.unit,
        )
        return job, skipped

    def _context(self, spec: InputSpec[Any]) -> Context:
        if self.noise is None or not self.corrupted:
            return Context()
        return noise_context(self.noise, spec, self.request.whole, self.request.selection.root)

    def spec_of(self, subject: EvaluatedModel) -> InputSpec[Any]:
        """Return how examples are shown to a network.

        Raises:
            Unsupported: the noise states a size of images, and the network reads none.
        """
        if self.noise is None or self.noise.image_size is None:
            return subject.checkpoint.prepare.spec
        return replace(image_preparation(subject.checkpoint).spec, size=self.noise.image_size)

    def _possible(
        self, spec: InputSpec[Any], context: Context
    ) -> tuple[list[Question], tuple[Skip, ...]]:
        """Return the questions that can be asked of examples of a spec, and the others.

        Raises:
            DataError: labels of the examples do not survive a corruption.
        """
        noise = self.noise
        if noise is None or not self.corrupted:
            return [Question(CLEAN)], ()
        if self.examples.brittle:
            what = "examples must keep their labels when they are corrupted"
            raise DataError(f"{self.examples.name}: {what}; {self.examples.brittle}")
        why_not: dict[Corruption | None, str] = {None: ""}
        why_not |= {
            corruption: self._why_not(corruption, spec, context)
            for corruption in noise.corruptions
        }
        asked = [(question, why_not[question.corruption]) for question in noise.questions()]
        skipped = tuple(Skip(question.condition, why) for question, why in asked if why)
        return [question for question, why in asked if not why], skipped

    def _why_not(self, corruption: Corruption, spec: InputSpec[Any], context: Context) -> str:
        """Say why examples of a spec cannot be corrupted so; "" where they can."""
        try:
            corruption.check_spec(spec)
            corruption.require(context)
        except Unsupported as reason:
            return str(reason)
        networks = [subject.checkpoint for subject in self.subjects]
        others = [c.id.name for c in networks if not isinstance(c.model, Bert)]
        if corruption.inside and others:
            return f"{corruption.kind}: networks must be BERTs, which add it; {others[0]} is none"
        if corruption.always_changes or self._changes(corruption, spec):
            return ""
        return f"{corruption.kind}: it changes none of the {len(self.request.whole)} examples"

    def _changes(self, corruption: Corruption, spec: InputSpec[Any]) -> bool:
        """Whether the largest level changes any example of the whole: the first mostly tell."""
        key, most, whole = NoiseKey(self.request.seed), corruption.levels[-1], self.request.whole
        for start in range(0, len(whole), _CERTIFIED):
            some = whole.at(np.arange(start, min(start + _CERTIFIED, len(whole))))
            shown = first_shown(some, spec, torch.device("cpu"))
            draw = corruption.draw(shown.shape, torch.from_numpy(some.ids), key)
            changed = corruption.corrupt(shown, draw, most, Context())
            if not np.array_equal(changed.numpy(), shown.numpy()):
                return True
        return False


def noise_context(
    noise: Robustness, spec: InputSpec[Any], examples: Examples, root: Path | None = None
) -> Context:
    """Return what the noise has to know of the data set; `root` is where ready-made images lie."""
    if not isinstance(spec, Geometry):
        return Context()
    given = any(isinstance(c, Given) for c in noise.corruptions)
    scaled = any(c.needs_std for c in noise.corruptions)
    return Context(
        channel_moments(examples, spec)[1] if scaled else (),
        GivenImages(examples, spec, root) if given else None,
    )


def first_shown(examples: Examples, spec: InputSpec[Any], device: torch.device) -> ShownBatch:
    """Return the first examples as corruptions see them: they are certified and digested."""
    where = np.arange(min(_CERTIFIED, len(examples)))
    # On the CPU, so that digests agree: a GPU multiplies by 1 / 255 where a CPU divides.
    shown: ShownBatch = spec.upload(examples.read(where, spec), torch.device("cpu"))
    return shown.to(device)


def digest_of(
    noise: Robustness | None, first: ShownBatch, context: Context, examples: Examples, seed: int
) -> str:
    """Return the digest of the first examples under every condition; "" without noise."""
    if noise is None:
        return ""
    ids = torch.from_numpy(examples.ids[:_DIGESTED]).to(first.device)
    key = NoiseKey(seed)
    return noise_digest(noise.corruptions, first[:_DIGESTED], ids, key=key, context=context)
