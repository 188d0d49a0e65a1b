"""The root finder takes every step of SciPy's, on functions that are easy, flat, steep or cut."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from acn_eval.statistics.root import root

SHAPES = {
    "polynomial": lambda x, p: ((x - p) * x + 1.7) * (x - p) * (x + 2),
    "steep": lambda x, p: math.tanh(50 * (x - p)),
    "flat": lambda x, p: (x - p) ** 3,
    "exponential": lambda x, p: math.exp(x) - math.exp(p),
    "tiny": lambda x, p: 1e-200 * (x - p) ** 5,
    "jump": lambda x, p: 1.0 if x > p else -1.0,
    "clipped": lambda x, p: min(1e9 * (x - p), 2.0) - 1e-9,
    "pole": lambda x, p: math.inf if x > p + 1 else x - p,
}


def walk(find, function, low, high, **tolerances):
    """The places that were asked, and the answer; an error is one, too."""
    asked = []

    def watched(x):
        asked.append(x)
        return function(x)

    try:
        return asked, find(watched, low, high, **tolerances)
    except (RuntimeError, ValueError):
        return asked, None


@pytest.mark.parametrize("shape", SHAPES)
def test_every_step_is_scipys(shape):
    rng = np.random.default_rng(7)
    for number in range(200):
        p, low, high = rng.uniform(-3, 3), *rng.uniform(-5, 5, 2)
        tolerances = {"xtol": 1e-13, "rtol": 1e-13} if number % 2 else {}

        def function(x, p=p):
            return SHAPES[shape](x, p)

        ours, theirs = (walk(find, function, low, high, **tolerances) for find in (root, brentq))
        assert ours == theirs


def test_a_root_at_an_end_is_found_at_once():
    assert root(lambda x: x, 0.0, 1.0) == root(lambda x: x, -1.0, 0.0) == 0.0


@pytest.mark.parametrize("values", [(1.0, 2.0), (-1.0, -2.0)])
def test_equal_signs_are_refused(values):
    with pytest.raises(ValueError, match="must differ"):
        root(lambda x: values[int(x)], 0.0, 1.0)


def test_a_jump_too_narrow_for_its_tolerance_is_refused():
    with pytest.raises(ValueError, match="was not found"):
        root(lambda x: 1.0 if x > 1e-300 else -1.0, -1e300, 1e300, xtol=1e-320)
