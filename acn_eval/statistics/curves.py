"""Groups conditions into curves over the level: what a chart draws as one line."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from acn_eval.results import Scalar

__all__ = ["CLEAN", "Place", "curves"]

CLEAN = "clean"
_AXES = frozenset({"corruption", "level", "space", "repeat", "exit"})
_SAME = ("corruption", "space")


class Place(NamedTuple):
    """Where one condition stands on its curve: its level, and its position in the input."""

    level: float
    at: int


def curves(conditions: Sequence[Mapping[str, Scalar]]) -> dict[str, tuple[Place, ...]]:
    """Return the curves by name, each in the order of its levels.

    A curve is named after its corruption, then after the space if that is not ``pixel``, then
    after any other field in which the conditions differ. Of several exits only the last counts.
    The undisturbed images are a curve of one place, called ``clean``.

    >>> curves([{"corruption": "clean", "level": 0.0}, {"corruption": "gaussian", "level": 0.1}])
    {'clean': (Place(level=0.0, at=0),), 'gaussian': (Place(level=0.1, at=1),)}
    """
    last = _last_exit(conditions)
    found: dict[str, list[Place]] = {}
    for index, condition in enumerate(conditions):
        if condition.get("exit", last) == last:
            places = found.setdefault(_name(condition, conditions), [])
            places.append(Place(_level(condition), index))
    return {name: tuple(sorted(places)) for name, places in found.items()}


def _last_exit(conditions: Sequence[Mapping[str, Scalar]]) -> Scalar | None:
    exits = [e for c in conditions if isinstance(e := c.get("exit"), int)]
    return max(exits, default=None)


def _differing(
    condition: Mapping[str, Scalar], conditions: Sequence[Mapping[str, Scalar]]
) -> list[str]:
    """Fields outside the axes that take more than one value among curves of this corruption."""
    own = [c for c in conditions if all(c.get(k) == condition.get(k) for k in _SAME)]
    fields = [name for name in condition if name not in _AXES]
    return [f for f in fields if len({c.get(f) for c in own}) > 1]


def _name(condition: Mapping[str, Scalar], conditions: Sequence[Mapping[str, Scalar]]) -> str:
    corruption = str(condition.get("corruption", "all"))
    if corruption == CLEAN:
        return CLEAN
    space = str(condition.get("space", "pixel"))
    others = [f"{name}_{condition[name]}" for name in _differing(condition, conditions)]
    return "_".join([corruption, *([] if space == "pixel" else [space]), *others])


def _level(condition: Mapping[str, Scalar]) -> float:
    level = condition.get("level", 0.0)
    return float(level) if isinstance(level, int | float) else 0.0
