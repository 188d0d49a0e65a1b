"""Features of networks on the three splits of the data that they are transferred to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from acn_eval.data import Examples
from acn_eval.data import Split as SplitName
from acn_eval.inference import Depths, EvaluatedModel, FeatureUnit, ForwardUnit, Numeric, Pass
from acn_eval.probes import Features, Split
from acn_eval.results import Skip
from acn_eval.studies.robustness.measure import Showing
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.study.request import Request
from acn_eval.study.suite import Suite

__all__ = ["FeatureExtractor", "SplitFeatures"]

S = TypeVar("S", bound=Split)


@dataclass(frozen=True)
class SplitFeatures:
    """Features of one network on the three splits.

    Attributes:
        examples, depths: by name of the split; of test, one `Depths` per question.
        test: the pass over the test images; its first question is the clean one.
        skipped: conditions that its examples cannot have.
    """

    subject: EvaluatedModel
    examples: Mapping[SplitName, Examples]
    depths: Mapping[SplitName, Sequence[Depths]]
    test: Pass
    skipped: tuple[Skip, ...]

    @property
    def exits(self) -> int:
        """Number of depths, 0 .. L."""
        return int(self.depths["test"][0].table.shape[1])

    @property
    def has_readings(self) -> bool:
        """Whether the two readings differ."""
        return len(self.depths["test"][0].table) > 1

    def facts(self) -> dict[str, Any]:
        """Return plain types for the result."""
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
    """Shows the three splits to networks.

    Attributes:
        noise: whose conditions the test images are also shown under; None shows clean ones.
    """

    request: Request[Suite]
    subjects: Sequence[EvaluatedModel]
    noise: Robustness | None
    numeric: Numeric

    @property
    def units(self) -> list[ForwardUnit]:
        """The units of all splits."""
        return [unit for showing in self._showings.values() for unit in showing.units]

    def of_subjects(self, contents: Sequence[bytes]) -> list[SplitFeatures]:
        """Return the features of every subject, in their order, from the outcomes of the units."""
        found = {}
        for name, showing in self._showings.items():
            own, contents = contents[: len(showing.units)], contents[len(showing.units) :]
            found[name] = showing.joined(own)
        examples = {name: showing.examples for name, showing in self._showings.items()}
        return [
            SplitFeatures(
                subject=subject,
                examples=examples,
                depths={name: [Depths(t) for t in rows[i][2]] for name, rows in found.items()},
                test=found["test"][i][0],
                skipped=found["test"][i][1],
            )
            for i, subject in enumerate(self.subjects)
        ]

    @cached_property
    def _showings(self) -> dict[SplitName, Showing]:
        request = self.request
        own = replace(request, runtime=replace(request.runtime, precision=self.numeric))
        splits: dict[SplitName, Examples] = {
            "train": request.split("train"),
            "validation": request.split("validation"),
            "test": request.examples,
        }
        return {
            name: Showing(
                self.noise,
                self.subjects,
                own,
                examples,
                corrupted=name == "test",
                unit=FeatureUnit,
            )
            for name, examples in splits.items()
        }
