"""Equivalence: two one-sided tests against a margin, and the sample that they need."""

from dataclasses import dataclass

from scipy.special import ndtri

from acn_eval.config_files import Record

__all__ = ["CONFIDENCE", "Equivalence"]

CONFIDENCE = 0.9
"""Of the interval whose limits are two one-sided tests at 5 %."""
_WITH_POWER = 1 + float(ndtri(0.9) / ndtri(0.95))  # four times in five, both tests


@dataclass(frozen=True)
class Equivalence(Record):
    """A difference against the margin within which it counts as none.

    Attributes:
        margin: what the suite states, in the unit of the difference.
        low, high: 90 % limits of the difference.

    Reference: Schuirmann, "A comparison of the two one-sided tests procedure and the power
    approach for assessing the equivalence of average bioavailability", Journal of
    Pharmacokinetics and Biopharmaceutics 15, 1987.
    """

    margin: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        """Whether the limits lie within the margin.

        >>> Equivalence(2.0, -1.2, 0.7).shown, Equivalence(2.0, -12.2, 3.6).shown
        (True, False)
        """
        return -self.margin < self.low and self.high < self.margin

    @property
    def growth(self) -> float:
        """How many times the sample shows it in four of five repetitions, if nothing differs.

        ``((z.95 + z.90) error / margin)^2`` with the error that the limits have.

        >>> round(Equivalence(2.0, -1.645, 1.645).growth, 2)
        2.14
        """
        return (_WITH_POWER * (self.high - self.low) / 2 / self.margin) ** 2
