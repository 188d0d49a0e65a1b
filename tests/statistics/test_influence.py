"""A metric as values of examples: over draws and files, and linearized."""

import numpy as np
import pytest

from acn_eval.statistics.influence import Measured, linearized


def test_draws_are_averaged_and_their_supports_and_flags_are_united():
    def of(values, support, *flags):
        return Measured(np.array(values, float), support, flags)

    files = [
        [of([1, 2], (0, 2), "a"), of([3, 2], (1, 4))],
        [of([0, 0], (-1, 1), "b", "a"), of([1, 0], (0, 1))],
    ]
    found = Measured.over_draws(files)
    assert found.values.tolist() == [[2, 2], [0.5, 0]]
    assert found.support == (-1, 4)
    assert found.flags == ("a", "b")
    files[1][0] = of([0, 0], None)
    assert Measured.over_draws(files).support is None


def test_linearized_values_have_the_metric_as_their_mean_and_reach_as_their_support():
    influence = np.array([1.0, -2.0, 4.0])
    found = linearized(0.3, influence, (-3.0, 7.0), ("why",))
    assert found.values.mean() == pytest.approx(0.3)
    assert found.values - found.values[0] == pytest.approx(influence - 1)
    assert found.support == pytest.approx((0.3 - 4.0, 0.3 + 6.0))
    assert found.flags == ("why",)
    assert linearized(0.3, influence).support is None
