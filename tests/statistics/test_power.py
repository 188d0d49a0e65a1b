"""The minimum detectable effect is detected four times in five."""

import numpy as np
import pytest
from scipy import stats

from acn_eval.statistics.architectures import Student
from acn_eval.statistics.power import discordance, examples_needed, mde, mde_examples, pass_power
from acn_eval.statistics.score import BoundedSample


def test_three_and_a_half_points_on_the_digits():
    assert mde_examples(360, 0.06) == pytest.approx(0.0362, abs=5e-5)


def test_zero_discordance_still_has_one():
    assert mde(BoundedSample.of(np.zeros(360))) == pytest.approx(mde_examples(360, 2 / 362))


def test_discordance_is_the_share_of_images_that_differ():
    values = np.repeat([1.0, -1.0, 0.0], [12, 8, 340])
    assert mde(BoundedSample.of(values)) == pytest.approx(mde_examples(360, 22 / 362))


def test_discordance_imagines_two_examples_at_the_ends_of_the_support():
    values = np.repeat([2.0, -1.0, 0.0], [12, 8, 340])
    sample = BoundedSample.of(values, (-3.0, 3.0))
    assert discordance(sample) == pytest.approx((12 * 4 + 8 + 2 * 9) / 362)


def test_power_over_images_is_four_fifths():
    n, discordance = 2000, 0.1
    effect = mde_examples(n, discordance)
    power = stats.norm.sf(stats.norm.ppf(0.975) - effect / np.sqrt(discordance / n))
    assert power == pytest.approx(0.8, abs=1e-6)


def test_power_over_seeds_is_about_four_fifths():
    """The sum of two t quantiles is a known approximation to the noncentral t."""
    effect = Student(0.0, 0.04, 8.0)
    power = stats.nct.sf(stats.t.ppf(0.975, 8), 8, mde(effect) / 0.2)
    assert power == pytest.approx(0.8, abs=0.02)


def test_power_mde_and_examples_needed_are_one_formula():
    n = examples_needed(0.01, 0.06)
    assert pass_power(n, 0.01, 0.06) == pytest.approx(0.8, abs=1e-3)
    assert mde_examples(n, 0.06, 0.05) == pytest.approx(0.01, abs=1e-5)
    assert mde_examples(10_000, 0.06, 0.05) == pytest.approx(0.0061, abs=5e-5)
    assert examples_needed(0.0, 0.06) is None
