"""What the probes of a network are fitted on and asked: its features on three splits."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from acn_eval.corruptions import Context
from acn_eval.data import Examples
from acn_eval.data import Split as SplitName
from acn_eval.inference import CLEAN, Depths, EvaluatedModel, Numeric, Pass, Question, extract
from acn_eval.inputs import InputSpec
from acn_eval.probes import Features, Split
from acn_eval.results import Skip
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.suite import Setting

__all__ = ["FeatureExtractor", "SplitFeatures"]

S = TypeVar("S", bound=Split)


@dataclass(frozen=True)
class SplitFeatures:
    """Features of one network on the three splits of the data that it is transferred to.

    Attributes:
        examples, depths: by name of the split; of test, one `Depths` per question.
        questions: asked of the test images, the undisturbed ones first.
        skipped: conditions that its examples cannot have.
        spec: of the examples.
        context: what the noise has to know of the data.
        seconds: wall time of the passes, which the networks of one spec share.
    """

    subject: EvaluatedModel
    examples: Mapping[SplitName, Examples]
    depths: Mapping[SplitName, Sequence[Depths]]
    questions: Sequence[Question]
    skipped: tuple[Skip, ...]
    spec: InputSpec[Any]
    context: Context
    seconds: float

    @property
    def exits(self) -> int:
        """Number of depths, 0 .. L."""
        return int(self.depths["test"][0].table.shape[1])

    @property
    def tells_apart(self) -> bool:
        """Whether the two readings differ."""
        return len(self.depths["test"][0].table) > 1

    @property
    def last(self) -> int:
        """The deepest exit."""
        return self.exits - 1

    def facts(self) -> dict[str, Any]:
        """Plain types for the record."""
        return {
            "exits": self.exits,
            "width": self.depths["test"][0].table.shape[3],
            "place": "pooled, after the norm that the head reads",
            "images": {name: len(examples) for name, examples in self.examples.items()},
            "seconds": round(self.seconds, 3),
        }

    def features(self, split: type[S], reading: str, exit_: int, question: int = 0) -> Features[S]:
        """Return the features of one depth, with the split in their type."""
        name: SplitName = split.name  # type: ignore[assignment]
        own = self.examples[name]
        x = self.depths[name][question].of(reading, exit_)
        return Features(split, x, own.labels, own.ids, len(own.classes))


@dataclass
class FeatureExtractor:
    """Shows the three splits to networks, those of one spec in one pass per split.

    Attributes:
        noise: also shown on the test images; None shows them clean alone.
        done: image-forwards so far.
    """

    setting: Setting
    noise: Robustness | None
    numeric: Numeric
    done: int = 0

    def targets(self, subjects: Sequence[EvaluatedModel]) -> list[SplitFeatures]:
        """Return what every subject has to show, in their order."""
        examples: dict[SplitName, Examples] = {
            "train": self.setting.split("train"),
            "validation": self.setting.split("validation"),
            "test": self.setting.examples,
        }
        total = self._forwards(examples) * len(subjects)
        found: dict[int, SplitFeatures] = {}
        for spec in dict.fromkeys(self.spec(s) for s in subjects):
            group = [i for i, s in enumerate(subjects) if self.spec(s) == spec]
            made = self._targets([subjects[i] for i in group], spec, examples, total)
            found.update(zip(group, made, strict=True))
        return [found[i] for i in range(len(subjects))]

    def spec(self, subject: EvaluatedModel) -> InputSpec[Any]:
        """Return what a subject is shown."""
        own = subject.checkpoint.prepare.spec
        return own if self.noise is None else self.noise.spec(subject)

    def _forwards(self, examples: Mapping[SplitName, Examples]) -> int:
        conditions = 1 if self.noise is None else len(list(self.noise.questions()))
        return sum(len(e) for e in examples.values()) + (conditions - 1) * len(examples["test"])

    def _targets(
        self,
        subjects: Sequence[EvaluatedModel],
        spec: InputSpec[Any],
        examples: Mapping[SplitName, Examples],
        total: int,
    ) -> list[SplitFeatures]:
        begin = time.perf_counter()
        clean = [Question(CLEAN)]
        questions, skipped = (clean, ()) if self.noise is None else self.noise.possible(spec)
        context = Context(())
        if self.noise is not None:
            context = self.noise.context(spec, examples["test"])
        job = Pass(
            subjects=subjects,
            examples=examples["test"],
            questions=questions,
            spec=spec,
            runtime=self.setting.runtime,
            seed=self.setting.seed,
            numeric=self.numeric,
            context=context,
        )
        found = {
            name: extract(
                replace(job, examples=own, questions=questions if name == "test" else clean),
                lambda forwards: self._tell(forwards, total),
            )
            for name, own in examples.items()
        }
        seconds = time.perf_counter() - begin
        return [
            SplitFeatures(
                subject=subject,
                examples=examples,
                depths={name: rows[i] for name, rows in found.items()},
                questions=questions,
                skipped=skipped,
                spec=spec,
                context=context,
                seconds=seconds,
            )
            for i, subject in enumerate(subjects)
        ]

    def _tell(self, forwards: int, total: int) -> None:
        self.done += forwards
        self.setting.progress(self.done, total)
