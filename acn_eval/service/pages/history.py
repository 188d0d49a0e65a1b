"""The verdicts of a model as a chart, whose numbers a table beside it repeats.

It is drawn with attributes alone: Matplotlib's SVG needs inline styles, which the policy of the
pages forbids, and would take the server half a second.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from acn_eval.gate.verdict import GateRule, Verdict
from acn_eval.service.pages.words import standing, tone
from acn_eval.service.records import Job

__all__ = ["Chart", "Judged", "chart"]

_LEFT, _STEP, _RIGHT = 4.0, 40.0, 48.0  # pixels: the margin, a version, the axis
_TOP, _HEIGHT, _BOTTOM = 12.0, 180.0, 28.0
_TICKS = 5
_STEPS = (1.0, 2.0, 5.0, 10.0)
_LABEL = 5  # characters
_FEWEST = 7  # versions that there is room for


@dataclass(frozen=True)
class Judged:
    """A job of a version, and its verdict where it has one that can be read."""

    job: Job
    verdict: Verdict | None

    @property
    def rule(self) -> GateRule | None:
        """The rule that counts most: the first difference that was measured."""
        rules = self.verdict.rules if self.verdict else ()
        return next((r for r in rules if r.measure == "difference" and _is_finite(r)), None)


@dataclass(frozen=True)
class Mark:
    """A version on the chart; places are pixels."""

    x: float
    label: str
    tone: str
    value: float
    low: float
    high: float
    bound: float


@dataclass(frozen=True)
class Chart:
    """A chart; places are pixels.

    Attributes:
        ticks: place and label of the lines across.
        zero: where the baseline lies.
        words: its numbers, for readers who cannot see it.
    """

    title: str
    unit: str
    width: float
    height: float
    marks: Sequence[Mark]
    ticks: Sequence[tuple[float, str]]
    zero: float
    words: str


def chart(judged: Sequence[Judged]) -> Chart | None:
    """Return the differences of versions to their baselines, in order; None without any.

    Versions whose leading rule is another one than the latest's are left out: their numbers are
    of another question.
    """
    latest = next((j.rule for j in reversed(judged) if j.rule), None)
    if latest is None:
        return None
    shown = [j for j in judged if j.rule and j.rule.name == latest.name]
    values = [_scaled(j.rule) for j in shown if j.rule]
    places = _Axis([x for v in values for x in v])
    marks = [
        _mark(k, one.job, [places.at(x) for x in value])
        for k, (one, value) in enumerate(zip(shown, values, strict=True))
    ]
    return Chart(
        title=latest.name,
        unit=latest.quantity.difference_unit,
        width=_LEFT + _STEP * max(len(shown), _FEWEST) + _RIGHT,
        height=_TOP + _HEIGHT + _BOTTOM,
        marks=marks,
        ticks=[(places.at(x), f"{x:+g}" if x else "0") for x in places.ticks],
        zero=places.at(0.0),
        words="; ".join(
            f"version {one.job.version}: {v:+.1f} [{low:+.1f}, {high:+.1f}], {standing(one.job)}"
            for one, (v, low, high, _) in zip(shown, values, strict=True)
        ),
    )


def _mark(k: int, job: Job, heights: Sequence[float]) -> Mark:
    said = standing(job)
    value, low, high, bound = heights
    return Mark(
        x=_LEFT + _STEP * (k + 0.5),
        label=str(job.version)[:_LABEL],
        tone=tone(said),
        value=value,
        low=low,
        high=high,
        bound=bound,
    )


class _Axis:
    """Values, with 0 among them, on the height of a chart."""

    def __init__(self, values: Sequence[float]) -> None:
        low, high = min(0.0, *values), max(0.0, *values)
        step = _step((high - low) / _TICKS)
        first, last = int(low // step), -int(-high // step)
        self.ticks = [round(step * k, 10) for k in range(first, max(last, first + 1) + 1)]

    def at(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        return round(_TOP + _HEIGHT * (high - value) / (high - low), 1)


def _step(rough: float) -> float:
    """Return the next number of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** _exponent(rough)
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))


def _exponent(rough: float) -> int:
    return int(f"{max(rough, 1e-6):e}".partition("e")[2])


def _is_finite(rule: GateRule) -> bool:
    e = rule.estimate
    return e is not None and all(map(math.isfinite, (e.value, e.low, e.high, rule.bound)))


def _scaled(rule: GateRule | None) -> tuple[float, float, float, float]:
    assert rule is not None
    assert rule.estimate is not None
    e, scale = rule.estimate, rule.quantity.scale
    value, low, high, bound = (scale * x for x in (e.value, e.low, e.high, rule.bound))
    return value, low, high, bound
