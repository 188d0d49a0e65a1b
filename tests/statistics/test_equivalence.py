"""Equivalence against statsmodels' two one-sided t tests, and what its growth promises."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from acn_eval.statistics.architectures import seeds_only
from acn_eval.statistics.equivalence import CONFIDENCE, Equivalence
from acn_eval.statistics.noninferiority import one_sided
from acn_eval.statistics.score import BoundedSample

MARGINS = (0.05, 0.3, 0.6, 1.0, 1.5, 2.5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("margin", MARGINS)
def test_seeds_agree_with_statsmodels(seed, margin):
    left, right = np.random.default_rng(seed).normal(0.1 * seed, 0.5, (2, 7))
    for effect, p in (
        (seeds_only((left - right)[:, None]), ttost_paired(left, right, -margin, margin)[0]),
        (
            seeds_only(left[:, None], -right[:, None]),
            ttost_ind(left, right, -margin, margin, usevar="unequal")[0],
        ),
    ):
        found = Equivalence(margin, *effect.interval(CONFIDENCE))
        assert found.shown == (p < 0.05)


@pytest.mark.parametrize("margin", [0.005, 0.01, 0.02, 0.05])
def test_images_agree_with_two_one_sided_score_tests(margin):
    for gains, losses in ((0, 0), (3, 5), (12, 2), (30, 28)):
        values = np.repeat([1.0, -1.0, 0.0], [gains, losses, 352 - gains - losses])
        sample = BoundedSample.of(values)
        tests = one_sided(sample, -margin).p_pass, one_sided(sample, margin).p_fail
        found = Equivalence(margin, *sample.interval(CONFIDENCE))
        assert found.shown == (max(tests) < 0.05)


@pytest.mark.parametrize(("half", "margin"), [(1.0, 2.0), (6.0, 2.0), (0.3, 2.0)])
def test_so_many_times_the_sample_shows_equivalence_in_four_of_five(half, margin):
    growth = Equivalence(margin, -half, half).growth
    error = half / stats.norm.ppf(0.95) / np.sqrt(growth)
    assert 2 * stats.norm.cdf(margin / error - stats.norm.ppf(0.95)) - 1 == pytest.approx(0.8)
