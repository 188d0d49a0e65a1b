"""Robustness: accuracy under corruptions, the same noise for every checkpoint and level."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator

from acn_eval.config_files import Text, WrittenWhereGiven, read_config
from acn_eval.corruptions import AnyCorruption
from acn_eval.inference.condition import CLEAN, Question
from acn_eval.study.suite import Suite, suite_file

__all__ = ["SUITE", "NamedRobustness", "Robustness"]


class Robustness(Suite, frozen=True):
    """Clean images and corrupted ones; the primary endpoint is the mean corrupted accuracy.

    Attributes:
        repeats: noise draws per image; one suffices in expectation, because draws are
            independent across images.
        image_size: of the images that are corrupted, which are then resized to the input size of
            each network; None takes that size.
        instead: names of the suites that take its place where networks read something else than
            images, by modality. Results state the suite that was taken, without this field.
    """

    question: ClassVar[str] = "Is it more robust to noise?"
    reads_numbers: ClassVar[bool] = True
    by_blocks: ClassVar[bool] = True

    kind: Literal["robustness"] = "robustness"
    corruptions: Annotated[tuple[AnyCorruption, ...], Field(min_length=1, max_length=50)]
    repeats: Annotated[int, Field(ge=1, le=100)] = 1
    image_size: Annotated[int, Field(gt=0, le=4096)] | None = None
    instead: WrittenWhereGiven[dict[Text, Text]] = None

    @field_validator("corruptions")
    @classmethod
    def _distinct(cls, corruptions: tuple[AnyCorruption, ...]) -> tuple[AnyCorruption, ...]:
        """The same condition twice would count twice in the endpoint."""
        conditions = [condition for c in corruptions for condition in c.conditions()]
        ((twice, times),) = Counter(tuple(c.items()) for c in conditions).most_common(1)
        if times > 1:
            named = dict(twice)
            msg = f"conditions must differ; {named['corruption']} {named['level']} occurs twice"
            raise ValueError(msg)
        return corruptions

    @property
    def noise(self) -> "Robustness":
        """Itself; other suites have a field of this name."""
        return self

    def shown_as(self, modality: str) -> Self:
        """Return the suite that takes its place for a modality, or itself; repeats are its own."""
        other = (self.instead or {}).get(modality)
        suite = _named(other) if other else self
        same: Self = suite.model_copy(update={"instead": None, "repeats": self.repeats})
        return same

    def questions(self) -> Iterator[Question]:
        """Clean first, then every corruption x level x repeat.

        What acts inside networks counts in the endpoint of a suite that has nothing else.
        """
        yield Question(CLEAN)
        alone = all(corruption.inside for corruption in self.corruptions)
        for corruption in self.corruptions:
            for condition, level in zip(corruption.conditions(), corruption.levels, strict=True):
                for repeat in range(self.repeats):
                    named = {**condition, "repeat": repeat}
                    counts = alone or not corruption.inside
                    yield Question(named, corruption, level, repeat, primary=counts)


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
