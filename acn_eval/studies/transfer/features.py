"""Features of networks on the three splits of the data that they are transferred to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from acn_eval.data import Examples
from acn_eval.data import Split as SplitName
from acn_eval.inference import Depths, EvaluatedModel, Pass
from acn_eval.probes import Features, Split
from acn_eval.results import Skip
from acn_eval.studies.robustness.measure import Showing

__all__ = ["SplitFeatures", "features_of", "names_of"]

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
    def clean(self) -> Depths:
        """Features of clean test images."""
        return self.depths["test"][0]

    @property
    def names(self) -> tuple[int | str, ...]:
        """What the depths are called: exits 0 .. L, or places in a network without exits."""
        return names_of(self.subject, len(self.clean.widths))

    @property
    def has_readings(self) -> bool:
        """Whether the two readings differ."""
        return len(self.clean.table) > 1

    def facts(self) -> dict[str, Any]:
        """Return plain types for the result."""
        widths = self.clean.widths
        alike = len(set(widths)) == 1
        exits = self.names == tuple(range(len(widths)))
        place = "pooled, after the norm that the head reads"
        named = {
            "depths": list(self.names),
            "place": "means over places of these modules' outputs",
        }
        return {
            "exits": len(widths),
            "width": widths[0] if alike else list(widths),
            **({"place": place} if exits else named),
            "images": {name: len(examples) for name, examples in self.examples.items()},
        }

    def features(self, split: type[S], reading: str, exit_: int, question: int = 0) -> Features[S]:
        """Return the features of one depth, with the split in their type."""
        name: SplitName = split.name  # type: ignore[assignment]
        own = self.examples[name]
        x = self.depths[name][question].of(reading, exit_)
        return Features(split, x, own.labels, own.ids, len(own.classes))


def names_of(subject: EvaluatedModel, depths: int) -> tuple[int | str, ...]:
    """Return what the depths of a network are called."""
    return tuple(getattr(subject.checkpoint.model, "depths", range(depths)))


def features_of(
    showings: Mapping[SplitName, Showing], contents: Sequence[bytes]
) -> list[SplitFeatures]:
    """Return the features of every subject, from the outcomes of all units in their order.

    All showings are of the same subjects, with `FeatureUnit`.
    """
    found, examples = {}, {name: showing.examples for name, showing in showings.items()}
    for name, showing in showings.items():
        own, contents = contents[: len(showing.units)], contents[len(showing.units) :]
        found[name] = showing.joined(own)
    return [
        SplitFeatures(
            subject=subject,
            examples=examples,
            depths={name: [Depths(t) for t in rows[i][2]] for name, rows in found.items()},
            test=found["test"][i][0],
            skipped=found["test"][i][1],
        )
        for i, subject in enumerate(showings["test"].subjects)
    ]
