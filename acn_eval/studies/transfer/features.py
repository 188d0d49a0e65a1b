"""What the probes of a network are fitted on and asked: its features on three splits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from acn_eval.corruptions import Context
from acn_eval.data import Examples
from acn_eval.data import Split as SplitName
from acn_eval.inference import (
    CLEAN,
    Depths,
    EvaluatedModel,
    FeatureUnit,
    ForwardUnit,
    Numeric,
    Pass,
    Question,
)
from acn_eval.inputs import InputSpec
from acn_eval.probes import Features, Split
from acn_eval.results import Skip
from acn_eval.studies.robustness.measure import noise_context, possible, spec_of
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.request import Request
from acn_eval.study.suite import Suite

__all__ = ["FeatureExtractor", "SplitFeatures"]

S = TypeVar("S", bound=Split)


@dataclass(frozen=True)
class SplitFeatures:
    """Features of one network on the three splits of the data that it is transferred to.

    Attributes:
        examples, depths: by name of the split; of test, one `Depths` per question.
        questions: asked of the test images, the clean ones first.
        skipped: conditions that its examples cannot have.
        spec: of the examples.
        context: what the noise has to know of the data.
    """

    subject: EvaluatedModel
    examples: Mapping[SplitName, Examples]
    depths: Mapping[SplitName, Sequence[Depths]]
    questions: Sequence[Question]
    skipped: tuple[Skip, ...]
    spec: InputSpec[Any]
    context: Context

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
        }

    def features(self, split: type[S], reading: str, exit_: int, question: int = 0) -> Features[S]:
        """Return the features of one depth, with the split in their type."""
        name: SplitName = split.name  # type: ignore[assignment]
        own = self.examples[name]
        x = self.depths[name][question].of(reading, exit_)
        return Features(split, x, own.labels, own.ids, len(own.classes))


@dataclass(frozen=True)
class FeatureExtractor:
    """Shows the three splits to networks, those of one spec in one pass per split.

    Attributes:
        noise: also shown on the test images; None shows them clean alone.
    """

    request: Request[Suite]
    subjects: Sequence[EvaluatedModel]
    noise: Robustness | None
    numeric: Numeric

    @property
    def units(self) -> list[ForwardUnit]:
        """The units of all passes."""
        return [
            unit for passes, _ in self._passes for job in passes.values() for unit in job.units
        ]

    def targets(self, contents: Sequence[bytes]) -> list[SplitFeatures]:
        """Return what every subject has to show, in their order, from what the units found."""
        found: dict[int, SplitFeatures] = {}
        for passes, skipped in self._passes:
            tables: dict[SplitName, list[list[Any]]] = {}
            for name, job in passes.items():
                own, contents = contents[: len(job.units)], contents[len(job.units) :]
                tables[name] = job.joined(own)
            test = passes["test"]
            for i, subject in enumerate(test.subjects):
                found[id(subject)] = SplitFeatures(
                    subject=subject,
                    examples={name: job.examples for name, job in passes.items()},
                    depths={name: [Depths(t) for t in rows[i]] for name, rows in tables.items()},
                    questions=test.questions,
                    skipped=skipped,
                    spec=test.spec,
                    context=test.context,
                )
        return [found[id(subject)] for subject in self.subjects]

    @cached_property
    def _passes(self) -> list[tuple[dict[SplitName, Pass], tuple[Skip, ...]]]:
        """One pass per spec and split, and what examples of the spec cannot show."""
        specs = [self._spec(subject) for subject in self.subjects]
        pairs = list(zip(specs, self.subjects, strict=True))
        return [
            self._of(spec, [s for g, s in pairs if g == spec]) for spec in dict.fromkeys(specs)
        ]

    def _spec(self, subject: EvaluatedModel) -> InputSpec[Any]:
        own = subject.checkpoint.prepare.spec
        return own if self.noise is None else spec_of(self.noise, subject)

    def _of(
        self, spec: InputSpec[Any], subjects: Sequence[EvaluatedModel]
    ) -> tuple[dict[SplitName, Pass], tuple[Skip, ...]]:
        questions, skipped, context = [Question(CLEAN)], tuple[Skip, ...](), Context(())
        test = Pass(
            subjects=subjects,
            examples=self.request.examples,
            questions=questions,
            spec=spec,
            seed=self.request.seed,
            numeric=self.numeric,
            device=self.request.runtime.device.type,
            unit=FeatureUnit,
        )
        if self.noise is not None:
            questions, skipped = possible(self.noise, spec)
            context = noise_context(self.noise, spec, self.request.examples)
        splits: tuple[SplitName, SplitName] = ("train", "validation")
        passes = {name: replace(test, examples=self.request.split(name)) for name in splits}
        return {**passes, "test": replace(test, questions=questions, context=context)}, skipped
