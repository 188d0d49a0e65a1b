"""Robustness: accuracy under corruptions, the same noise for every checkpoint and level."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, field_validator

from acn_eval.checkpoints import Checkpoint, image_preparation
from acn_eval.config_files import Text, read_config
from acn_eval.corruptions import AnyCorruption, Context, NoiseKey, noise_digest
from acn_eval.data import Examples, Geometry, channel_moments
from acn_eval.errors import Unsupported
from acn_eval.inference import (
    CLEAN,
    EvaluatedModel,
    Numeric,
    OutcomeCache,
    Pass,
    Question,
    Runtime,
    bf16_pays,
    certificate,
    one_pass,
)
from acn_eval.inputs import InputSpec, ShownBatch
from acn_eval.results import Skip
from acn_eval.study.files import suite_file
from acn_eval.study.suite import Answer, Setting, Suite, cell_of

__all__ = ["SUITE", "NamedRobustness", "Robustness", "Shown", "first_shown"]

_WORTH_PROBING = 1e12  # FLOPs: below, a probe costs more than bf16 could save
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


class Robustness(Suite, frozen=True):
    """Clean examples and corrupted ones; the primary end point is the mean corrupted accuracy.

    Attributes:
        corruptions: each with its levels; together with the clean examples these are the cells.
        repeats: noise draws per example; one is enough for noise in expectation, because draws
            are independent across examples.
        image_size: show every checkpoint images of this size, resized after the corruption
            where a network wants another; None takes the size of each network.
    """

    question: ClassVar[str] = "Is it more robust to noise?"
    by_blocks: ClassVar[bool] = True

    kind: Literal["robustness"] = "robustness"
    corruptions: Annotated[tuple[AnyCorruption, ...], Field(min_length=1, max_length=50)]
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    image_size: Annotated[int, Field(gt=0, le=4096)] | None = None

    @field_validator("corruptions")
    @classmethod
    def _distinct(cls, corruptions: tuple[AnyCorruption, ...]) -> tuple[AnyCorruption, ...]:
        """The same condition twice would count twice in the end point."""
        conditions = [condition for c in corruptions for condition in c.conditions()]
        ((twice, times),) = Counter(tuple(c.items()) for c in conditions).most_common(1)
        if times > 1:
            named = dict(twice)
            msg = f"conditions must differ; {named['corruption']} {named['level']} is twice"
            raise ValueError(msg)
        return corruptions

    @property
    def noise(self) -> "Robustness":
        """Itself: other suites hold theirs under this name."""
        return self

    def questions(self) -> Iterator[Question]:
        """Clean first, then every corruption x level x repeat."""
        yield Question(CLEAN)
        for corruption in self.corruptions:
            conditions = zip(corruption.conditions(), corruption.levels, strict=True)
            for condition, level in conditions:
                for repeat in range(self.repeats):
                    named = {**condition, "repeat": repeat}
                    yield Question(named, corruption, level, repeat, primary=True)

    def ask(self, subjects: Sequence[EvaluatedModel], setting: Setting) -> list[Answer]:
        """Answer for all subjects; those that are shown the same share one pass."""
        return [shown.answer() for shown in self.show(subjects, setting)]

    def show(
        self,
        subjects: Sequence[EvaluatedModel],
        setting: Setting,
        *,
        exits: bool = False,
        corrupted: bool = True,
    ) -> list[Shown]:
        """Show all subjects every condition, or the clean examples alone.

        Args:
            subjects: that are shown them; those that are shown the same share one pass.
            setting: the examples, among others.
            exits: keep what every exit made of them, not the last alone.
            corrupted: False leaves the corruptions out.
        """
        found: dict[int, Shown] = {}
        for spec in dict.fromkeys(self.spec(s) for s in subjects):
            group = [i for i, s in enumerate(subjects) if self.spec(s) == spec]
            asked = [subjects[i] for i in group]
            questions, skipped = self.possible(spec, corrupted=corrupted)
            job = self._job(asked, spec, setting, questions, exits=exits)
            shown = self._shown(job, skipped, setting)
            found.update(zip(group, shown, strict=True))
        return [found[i] for i in range(len(subjects))]

    def spec(self, subject: EvaluatedModel) -> InputSpec[Any]:
        """Return what a subject is shown.

        Raises:
            Unsupported: a size of images, for a network that reads none.
        """
        if self.image_size is None:
            return subject.checkpoint.prepare.spec
        return replace(image_preparation(subject.checkpoint).spec, size=self.image_size)

    def _job(
        self,
        subjects: Sequence[EvaluatedModel],
        spec: InputSpec[Any],
        setting: Setting,
        questions: Sequence[Question],
        *,
        exits: bool,
    ) -> Pass:
        first = first_shown(spec, setting)
        return Pass(
            subjects=subjects,
            examples=setting.examples,
            questions=questions,
            spec=spec,
            runtime=setting.runtime,
            seed=setting.seed,
            numeric=_numeric(subjects, first, setting, len(questions)),
            context=self.context(spec, setting.whole),
            exits=exits,
        )

    def _shown(self, job: Pass, skipped: tuple[Skip, ...], setting: Setting) -> list[Shown]:
        first = first_shown(job.spec, setting)
        outcomes = one_pass(job, setting.progress)
        digest = self.digest(first, job.context, setting)
        size = min(setting.runtime.batch_size, len(first))
        return [
            Shown(
                questions=job.questions,
                outcomes=row,
                labels=setting.examples.labels,
                skipped=skipped,
                numeric=job.numeric,
                certificate=certificate(
                    subject.checkpoint.model,
                    subject.checkpoint.prepare(first).to(setting.runtime.device),
                    job.numeric,
                    size,
                ),
                noise_digest=digest,
            )
            for subject, row in zip(job.subjects, outcomes, strict=True)
        ]

    def possible(
        self, spec: InputSpec[Any], *, corrupted: bool = True
    ) -> tuple[list[Question], tuple[Skip, ...]]:
        """Return the questions that can be asked of examples of a spec, and the others."""
        questions: list[Question] = []
        skipped: list[Skip] = []
        for question in self.questions():
            if not corrupted and question.corruption is not None:
                continue
            try:
                if question.corruption is not None:
                    question.corruption.check_spec(spec)
                questions.append(question)
            except Unsupported as reason:
                skipped.append(Skip(question.condition, str(reason)))
        return questions, tuple(skipped)

    def context(self, spec: InputSpec[Any], examples: Examples) -> Context:
        """Return what the corruptions have to know of the data set."""
        if isinstance(spec, Geometry) and any(c.needs_std for c in self.corruptions):
            return Context(channel_moments(examples, spec)[1])
        return Context()

    def digest(self, first: ShownBatch, context: Context, setting: Setting) -> str:
        """Return the digest of the first examples under every condition."""
        ids = torch.from_numpy(setting.whole.ids[:_DIGESTED]).to(first.device)
        return noise_digest(
            self.corruptions,
            first[:_DIGESTED],
            ids,
            key=NoiseKey(setting.seed),
            context=context,
        )


SUITE = Robustness


def _named(value: Any) -> Any:
    """Take a robustness suite by its name or path, or as it is."""
    if not isinstance(value, str):
        return value
    return read_config(suite_file(value), Robustness, "a robustness suite")


NamedRobustness = Annotated[
    Robustness, BeforeValidator(_named, json_schema_input_type=Robustness | Text)
]
"""A robustness suite, also by its name or path."""


def first_shown(spec: InputSpec[Any], setting: Setting) -> ShownBatch:
    """Return the examples, as corruptions see them, that are certified and digested."""
    where = np.arange(min(_CERTIFIED, len(setting.whole)))
    # On the CPU, so that digests agree: a GPU multiplies by 1 / 255 where a CPU divides.
    shown: ShownBatch = spec.upload(setting.whole.read(where, spec), torch.device("cpu"))
    return shown.to(setting.runtime.device)


def _numeric(
    subjects: Sequence[EvaluatedModel], first: ShownBatch, setting: Setting, questions: int
) -> Numeric:
    """One precision for all subjects of a pass: a fair pair is measured alike."""
    wanted = setting.runtime.precision
    if wanted != "auto":
        return wanted
    largest = max((s.checkpoint for s in subjects), key=lambda c: c.id.flops)
    if largest.id.flops * questions * len(setting.whole) < _WORTH_PROBING:
        return "fp32"
    return _probed(largest, first[: setting.runtime.batch_size], setting.runtime)


def _probed(checkpoint: Checkpoint, first: ShownBatch, runtime: Runtime) -> Numeric:
    """Measure once and remember: a resumed run must not change its mind half way."""
    c, shape = checkpoint.id, list(first.shape)
    key = OutcomeCache.key(
        ["bf16 pays", c.sha256, c.arch, shape, str(runtime.device), torch.__version__]
    )
    known = runtime.store.read(key)
    if known is None:
        pays = bf16_pays(checkpoint.model, checkpoint.prepare(first).to(runtime.device))
        known = b"bf16" if pays else b"fp32"
        runtime.store.write(key, known)
    return "bf16" if known == b"bf16" else "fp32"
