"""The certificate of a recipe: whether it may be trained in bf16, by trainings in both."""

from math import isclose
from typing import Annotated, Literal

from pydantic import Field, model_validator

from acn_eval.checkpoints.card import NumericFacts
from acn_eval.config_files import Config, Natural, Seed, Text

__all__ = ["Certificate"]

Accuracy = Annotated[float, Field(ge=0, le=1)]
Difference = Annotated[float, Field(ge=-10, le=10)]
Seconds = Annotated[float, Field(ge=0, le=1e12)]
Accuracies = Annotated[tuple[Accuracy, ...], Field(min_length=2, max_length=1000)]
_ROUNDING = 1e-9  # of means in float64
Verdict = Literal["may be taken", "may not be taken", "cannot be decided"]


class Certificate(Config, frozen=True):
    """Trainings of one recipe in fp32 and in bf16, equal in seeds, compared on validation.

    Attributes:
        recipe: digest of the fields that decide the weights, but for seed and precision.
        seeds: of the trainings; a seed decides initialization, order and augmentation.
        fp32, bf16: validation accuracy of each seed, on the same `validation_n` images.
        difference: mean of bf16 minus fp32, with the limits `low` and `high` of its 90 %
            interval over seeds and images (`acn_eval.statistics.architectures.crossed`).
        margin: loss of accuracy that is accepted.
        seconds: wall time of one step in fp32 and in bf16.
        numeric_profile: of the bf16 trainings; see `acn_eval.inference.profile.NumericProfile`.
    """

    recipe: Text
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2, max_length=1000)]
    fp32: Accuracies
    bf16: Accuracies
    validation_n: Natural
    difference: Difference
    low: Difference
    high: Difference
    margin: Accuracy
    seconds: tuple[Seconds, Seconds]
    numeric_profile: NumericFacts | None = None

    @model_validator(mode="after")
    def _agrees(self) -> "Certificate":
        """Refuse numbers that contradict each other: the file may have been edited."""
        counts = {len(self.seeds), len(self.fp32), len(self.bf16)}
        if len(counts) > 1:
            raise ValueError("`fp32` and `bf16` must hold one accuracy per seed")
        bf16, fp32 = (sum(own) / len(own) for own in (self.bf16, self.fp32))
        if not isclose(self.difference, bf16 - fp32, abs_tol=_ROUNDING):
            raise ValueError("`difference` must be the mean of bf16 minus that of fp32")
        if not self.low - _ROUNDING <= self.difference <= self.high + _ROUNDING:
            raise ValueError("`difference` must lie between `low` and `high`")
        return self

    @property
    def verdict(self) -> Verdict:
        """Whether the whole interval lies above the accepted loss, or below it."""
        if self.low > -self.margin:
            return "may be taken"
        return "may not be taken" if self.high < -self.margin else "cannot be decided"

    @property
    def sentence(self) -> str:
        """The verdict with its numbers."""
        what = {
            "may be taken": "may be taken: its loss of validation accuracy is below",
            "may not be taken": "may not be taken: its loss of validation accuracy is above",
            "cannot be decided": "cannot be decided: the interval contains a loss of",
        }[self.verdict]
        points = [100 * x for x in (self.difference, self.low, self.high)]
        fp32, bf16 = (100 * sum(own) / len(own) for own in (self.fp32, self.bf16))
        slow, fast = (1000 * seconds for seconds in self.seconds)
        return (
            f"bf16 {what} {100 * self.margin:g} points. Mean accuracy {bf16:.2f} % in bf16 and "
            f"{fp32:.2f} % in fp32: {points[0]:+.2f} points [{points[1]:+.2f}, {points[2]:+.2f}] "
            f"(90 % interval over {len(self.seeds)} seeds in both and {self.validation_n:,} "
            f"validation examples); a step takes {fast:.1f} ms in bf16 and {slow:.1f} ms in fp32."
        )
