"""Brent's root finder, because SciPy's takes as long to import as all other statistics."""

import math
from collections.abc import Callable

__all__ = ["root"]

_STEPS = 100
_EPSILON = 8.881784197001252e-16  # four times that of float64

Point = tuple[float, float]
"""Place and value of the function."""


def root(
    function: Callable[[float], float],
    low: float,
    high: float,
    *,
    xtol: float = 2e-12,
    rtol: float = _EPSILON,
) -> float:
    """Return where a function crosses 0 between two numbers: the bits of SciPy's ``brentq``.

    Reference: Brent, "Algorithms for Minimization Without Derivatives", 1973, chapter 4.

    Raises:
        ValueError: the function has the same sign at both ends, or does not settle.
    """
    last, best = (float(low), float(function(low))), (float(high), float(function(high)))
    if last[1] == 0:
        return last[0]
    if _positive(last) == _positive(best) and best[1] != 0:
        raise ValueError(f"the signs at {low:g} and {high:g} must differ; got {best[1]:g} twice")
    other, before, step = last, 0.0, 0.0
    for _ in range(_STEPS):
        if best[1] != 0 and _positive(last) != _positive(best):
            other, before = last, best[0] - last[0]
            step = before
        if abs(other[1]) < abs(best[1]):
            last, best, other = best, other, best
        least, half = (xtol + rtol * abs(best[0])) / 2, (other[0] - best[0]) / 2
        if best[1] == 0 or abs(half) < least:
            return best[0]
        trial = _trial(last, best, other) if abs(before) > least else math.inf
        # A trial that is not shorter than half the step before last gives way to bisection.
        short = 2 * abs(trial) < min(abs(before), 3 * abs(half) - least)
        before, step = (step, trial) if short else (half, half)
        place = best[0] + (step if abs(step) > least else math.copysign(least, half))
        last, best = best, (place, float(function(place)))
    raise ValueError(f"the crossing between {low:g} and {high:g} was not found")


def _positive(point: Point) -> bool:
    return point[1] > 0


def _trial(last: Point, best: Point, other: Point) -> float:
    """Return the step of a line, or of an inverse parabola where three points differ."""
    (x, f), (x_last, f_last), (x_other, f_other) = best, last, other
    if abs(f) >= abs(f_last):
        return math.inf
    if x_last == x_other:
        return -f * (x - x_last) / (f - f_last)
    a, b = (f_last - f) / (x_last - x), (f_other - f) / (x_other - x)
    scale = b * a * (f_other - f_last)
    return -f * (f_other * b - f_last * a) / scale if scale else math.inf
