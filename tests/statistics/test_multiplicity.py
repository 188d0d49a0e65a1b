"""Holm against statsmodels, and conditions that nothing could have decided."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from acn_eval.statistics.multiplicity import band_confidence, holm, undecidable
from acn_eval.statistics.score import BoundedSample


@settings(max_examples=15, deadline=None)  # statsmodels collects all garbage in every call
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_statsmodels(p):
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def best_p(discordant, n=360):
    return BoundedSample.of((np.arange(n) < discordant).astype(float)).p()


@pytest.mark.parametrize(("discordant", "hopeless"), [(7, True), (8, False)])
def test_seven_conditions_need_eight_discordant_images(discordant, hopeless):
    assert undecidable([best_p(discordant)] * 7).tolist() == [hopeless] * 7


def test_one_condition_needs_four_discordant_images():
    assert [bool(undecidable([best_p(k)])[0]) for k in range(6)] == [True] * 4 + [False] * 2


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=9))
def test_no_condition_is_both_rejected_and_undecidable(pairs):
    best = [min(pair) for pair in pairs]
    rejected = holm([max(pair) for pair in pairs]) < 0.05
    assert not np.any(rejected & undecidable(best))


def test_bands_share_the_error():
    assert 7 * (1 - band_confidence(7)) == pytest.approx(0.05)
    assert band_confidence(1) == 0.95
