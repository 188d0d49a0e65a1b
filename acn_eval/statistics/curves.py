"""Groups conditions into curves over one axis: what a chart draws as one line."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import Scalar

__all__ = ["CLEAN", "EXIT", "PER_CLASS", "Axis", "CurvePoint", "Curves", "curves", "trapezoid"]

Condition = Mapping[str, Scalar]

CLEAN = "clean"
_LEVEL = "level"
_SAME = ("corruption", "space")


class Axis(NamedTuple):
    """What the curves run over.

    Attributes:
        field: of the condition.
        label: for figures, with its unit.
        steps: factor that makes places integers.
        logarithmic: whether equal ratios are equal distances.
        start: what its place 0 is, where that is not obvious.
        place: format of one of its places in the label of a condition; may be empty.
        mapped: whether several lines make a map of their own.
    """

    field: str
    label: str
    steps: int = 1
    logarithmic: bool = False
    start: str = ""
    place: str = ""
    mapped: bool = False

    def step(self, place: float) -> int:
        """Return a place as the step of a metric: MLflow's servers take integers only.

        >>> Axis("level", "level", steps=1000).step(0.05)
        50
        """
        return round(place * self.steps)

    @property
    def step_in_words(self) -> str:
        """What such a step is.

        >>> Axis("sparsity", "share of weights removed", steps=1000).step_in_words
        '1000 x the share of weights removed'
        """
        scaled = self.label if self.steps == 1 else f"{self.steps} x the {self.label}"
        return scaled + self.start


EXIT = Axis("exit", "blocks executed", place="exit {}", mapped=True)
PER_CLASS = Axis(
    "per_class", "training examples per class", logarithmic=True, place="{} per class"
)
_LEVELS = Axis(_LEVEL, "level", steps=1000, start="; step 0 is the clean examples")


class CurvePoint(NamedTuple):
    """Place of one condition on its curve, and its position in the input."""

    level: float
    at: int


@dataclass(frozen=True)
class Curves:
    """Conditions as lines over one axis.

    Attributes:
        lines: places by name, in the order of the axis; over levels, the clean examples are
            a line of one place, called ``clean``.
        named: positions by name of conditions beside the axis: depths chosen on validation.
    """

    axis: Axis
    lines: Mapping[str, tuple[CurvePoint, ...]]
    named: Mapping[str, int]

    def drawn(self) -> dict[str, tuple[CurvePoint, ...]]:
        """The lines of a chart: over levels, each starts at the clean examples."""
        if self.axis.field != _LEVEL:
            return dict(self.lines)
        clean = self.lines.get(CLEAN, ())
        others = {n: (*clean, *line) for n, line in self.lines.items() if n != CLEAN}
        return others or dict(self.lines)


def curves(
    conditions: Sequence[Condition], axes: Sequence[Axis] = (), bare: Container[str] = ()
) -> Curves:
    """Return the lines over the first axis that any condition lies on, else over levels.

    A line is named after its corruption, then after the space if that is not ``pixel``, after
    the level if that is not the axis, and after any other field in which conditions differ.

    Args:
        conditions: in the order of the table.
        axes: of the study, the most important first.
        bare: fields whose values say what they are.

    >>> found = curves([{"corruption": "clean"}, {"corruption": "gaussian", "level": 0.1}])
    >>> found.axis.field, dict(found.drawn())
    ('level', {'gaussian': (CurvePoint(level=0.0, at=0), CurvePoint(level=0.1, at=1))})
    """
    axis = next((a for a in axes if any(_on(c, a) for c in conditions)), _LEVELS)
    lines: dict[str, list[CurvePoint]] = {}
    named: dict[str, int] = {}
    for index, condition in enumerate(conditions):
        name = _name(condition, conditions, axis, bare)
        if axis.field == _LEVEL or _on(condition, axis):
            level = float(condition.get(axis.field, 0.0))
            lines.setdefault(name, []).append(CurvePoint(level, index))
        else:
            named[f"{condition.get(axis.field, '')}/{name}"] = index
    return Curves(axis, {name: tuple(sorted(line)) for name, line in lines.items()}, named)


def _on(condition: Condition, axis: Axis) -> bool:
    return isinstance(condition.get(axis.field), int | float)


def _name(
    condition: Condition, conditions: Sequence[Condition], axis: Axis, bare: Container[str]
) -> str:
    corruption = str(condition.get("corruption", "all"))
    space = str(condition.get("space", "pixel"))
    parts = [corruption, *([] if space == "pixel" else [space])]
    if axis.field != _LEVEL and corruption != CLEAN:
        parts.append(f"{condition.get(_LEVEL, 0):g}")
    own = [c for c in conditions if all(c.get(k) == condition.get(k) for k in _SAME)]
    for field, value in condition.items():
        beside = field not in {*_SAME, "repeat", _LEVEL, axis.field}
        if beside and len({c.get(field) for c in own}) > 1:
            parts.append(str(value) if field in bare else f"{field}_{value}")
    return "_".join(parts)


def trapezoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights (n,) of the trapezoid rule at places (n,) in any order; a single one has 1.

    >>> trapezoid(np.array([0.0, 3.0, 1.0])).tolist()
    [0.5, 1.0, 1.5]
    """
    if len(x) == 1:
        return np.ones(1)
    order = np.argsort(x)
    gaps = np.diff(x[order])
    weights = np.empty(len(x))
    weights[order] = (np.append(gaps, 0.0) + np.append(0.0, gaps)) / 2
    return weights
