"""What the numbers of a comparison are: their unit, how they are shown, and which are better."""

from dataclasses import dataclass

from acn_eval.config_files import Record

__all__ = ["SHARE", "Quantity"]


@dataclass(frozen=True)
class Quantity(Record):
    """A metric as its readers see it.

    Attributes:
        name: in words, e.g. ``"calibration error"``.
        unit, difference_unit: of a value and of a difference; "" where there is none.
        scale: a stored number times this is the number that is shown.
        decimals: of what is shown.
        higher_is_better: the only place that says so.
        scored: whether each example has a value in [0, 1] of its own, as in accuracy: what suites
            state, floors and ceilings, and looks on the way are about such values.
        low, high: the range of the metric; None where it has no end.
    """

    name: str = "accuracy"
    unit: str = "%"
    difference_unit: str = "points"
    scale: float = 100
    decimals: int = 1
    higher_is_better: bool = True
    scored: bool = True
    low: float | None = 0.0
    high: float | None = 1.0

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.higher_is_better else -1

    def clipped(self, value: float) -> float:
        """Return the nearest number in the range of the metric."""
        raised = value if self.low is None else max(value, self.low)
        return raised if self.high is None else min(raised, self.high)

    def text(self, value: float, *, sign: str = "") -> str:
        """Return a value without its unit.

        >>> SHARE.text(0.8471), SHARE.text(-0.02, sign="+")
        ('84.7', '-2.0')
        """
        return f"{self.scale * value:{sign}.{self.decimals}f}"

    def limits(self, value: float, low: float, high: float, *, sign: str = "") -> str:
        """Return a value with its limits.

        >>> SHARE.limits(0.953, 0.93, 0.97)
        '95.3 [93.0, 97.0]'
        """
        shown, *both = (self.text(x, sign=sign) for x in (value, low, high))
        return f"{shown} [{', '.join(both)}]"

    def difference(self, value: float) -> str:
        """Return a difference with its sign and unit.

        >>> SHARE.difference(0.021)
        '+2.1 points'
        """
        return f"{self.text(value, sign='+')} {self.difference_unit}".rstrip()

    def head(self, of: str) -> str:
        """Return the head of a column of this quantity."""
        return f"{of}, {self.unit}" if self.unit else of


SHARE = Quantity()
"""Accuracy, in percent."""
