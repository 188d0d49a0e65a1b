"""Seeds x images against two-way analysis of variance, scipy's t tests and permutation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from acn_eval.statistics.architectures import Student, crossed, pair_by_seed, seeds_only, sign_flip
from tests.statistics.results import PAIRED, checkpoint


def arm(seed, rows=5, images=12):
    rng = np.random.default_rng(seed)
    return (
        0.2 * rng.normal(size=(rows, 1))
        + rng.normal(size=images)
        + rng.normal(size=(rows, images))
    )


def mean_squares(values):
    """Seeds, images, residual: two-way analysis of variance by statsmodels."""
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    rows, images = np.indices(values.shape)
    long = pd.DataFrame({"y": values.ravel(), "seed": rows.ravel(), "image": images.ravel()})
    table = anova_lm(ols("y ~ C(seed) + C(image)", long).fit())
    return table["mean_sq"].loc[["C(seed)", "C(image)", "Residual"]].to_numpy()


def expected(parts, images, dfs, n):
    variance = max(sum(p for p, _ in parts) + images - sum(e for _, e in parts), images)
    variance = max(variance, sum(p for p, _ in parts))
    spread = sum(p**2 / df for (p, _), df in zip(parts, dfs, strict=True)) + images**2 / (n - 1)
    return variance, variance**2 / spread


@pytest.mark.parametrize("seed", range(4))
def test_paired_seeds_equal_two_way_anova(seed):
    values = arm(seed)
    size = values.size
    seeds, images, residual = mean_squares(values)
    found = crossed(values)
    variance, df = expected([(seeds / size, residual / size)], images / size, [4], 12)
    assert (found.value, found.variance, found.df) == pytest.approx((values.mean(), variance, df))


def test_independent_seeds_add_the_parts_of_both_arms():
    left, right = arm(1), arm(2, rows=4)
    parts = [
        (squares[0] / values.size, squares[2] / values.size)
        for values, squares in ((left, mean_squares(left)), (right, mean_squares(right)))
    ]
    images = np.var(left.mean(axis=0) - right.mean(axis=0), ddof=1) / 12
    found = crossed(left, -right)
    assert found.value == pytest.approx(left.mean() - right.mean())
    assert (found.variance, found.df) == pytest.approx(expected(parts, images, [4, 3], 12))


def test_seeds_only_is_scipys_paired_t():
    values = arm(3)
    expected = stats.ttest_1samp(values.mean(axis=1), 0)
    found = seeds_only(values)
    assert found.p() == pytest.approx(expected.pvalue)
    assert found.interval(0.9) == pytest.approx(tuple(expected.confidence_interval(0.9)))


def test_seeds_only_is_scipys_welch_t():
    left, right = arm(4), arm(5, rows=7)
    expected = stats.ttest_ind(left.mean(axis=1), right.mean(axis=1), equal_var=False)
    found = seeds_only(left, -right)
    assert found.df == pytest.approx(expected.df)
    assert found.p() == pytest.approx(expected.pvalue)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval()))


def test_images_vary_too():
    """The interval over seeds and images is wider than over either alone."""
    values = arm(6)
    both, seeds = crossed(values), seeds_only(values)
    assert both.variance >= seeds.variance
    assert both.variance >= np.var(values.mean(axis=0), ddof=1) / values.shape[1] - 1e-15


@given(st.integers(0, 1000))
def test_swapping_the_arms_mirrors_everything(seed):
    left, right = arm(seed), arm(seed + 7)
    forth, back = crossed(left, -right), crossed(right, -left)
    low, high = back.interval()
    assert forth.interval() == pytest.approx((-high, -low), abs=1e-9)
    assert forth.p() == pytest.approx(back.p())


@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(1, 50))
def test_p_below_alpha_exactly_where_the_interval_excludes_zero(value, variance, df):
    effect = Student(value, variance, df)
    low, high = effect.interval()
    assert (effect.p() < 0.05) == (low > 0 or high < 0)


def test_student_without_variance_is_certain():
    assert Student(0.1, 0.0, math.inf).interval() == (0.1, 0.1)
    assert Student(0.1, 0.0, math.inf).p() == 0.0
    assert Student(0.0, 0.0, math.inf).p() == 1.0


@pytest.mark.parametrize("n", [6, 9])
def test_sign_flip_is_scipys_exact_permutation_test(n):
    differences = np.random.default_rng(n).normal(0.5, 1, n)
    expected = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(differences) == pytest.approx(expected.pvalue)


def test_sign_flip_cannot_reach_five_percent_with_five_pairs():
    assert sign_flip(np.arange(1.0, 7.0)) == 2 / 2**6
    with pytest.raises(ValueError, match="needs 6"):
        sign_flip(np.arange(1.0, 6.0))


def seeded(name, seeds, order="a", declared=PAIRED):
    facts = {"data_order": order, "paired_seeds": declared}
    kept = {key: value for key, value in facts.items() if value}
    return [checkpoint(name, training={"seed": seed} | kept) for seed in seeds]


def test_twins_share_seed_and_data_order_and_declare_it():
    assert pair_by_seed(seeded("acn", [0, 1, 2]), seeded("res", [2, 0, 1])) == (1, 2, 0)


@pytest.mark.parametrize(
    ("candidates", "baselines"),
    [
        (seeded("acn", [0, 1, 2]), seeded("res", [0, 1, 3])),  # other seeds
        (seeded("acn", [0, 1, 2]), seeded("res", [0, 1, 2], "b")),  # other order
        (seeded("acn", [0, 1, 2], None), seeded("res", [0, 1, 2], None)),  # order not declared
        (seeded("acn", [0, 1, 2]), seeded("res", [0, 1, 2, 3])),  # one has no twin
        (seeded("acn", [0, 1, 1]), seeded("res", [0, 1, 1])),  # twins are not unique
        (seeded("acn", [0, 1], declared=None), seeded("res", [0, 1])),  # one does not declare
        (seeded("acn", [0, 1], declared=None), seeded("res", [0, 1], declared=None)),
        (seeded("acn", [0, 100]), seeded("res", [0, 100])),  # shown on a seed that is judged
        (
            seeded("acn", [0, 1], declared=PAIRED | {"correlation": 0.3}),  # does not pay
            seeded("res", [0, 1], declared=PAIRED | {"correlation": 0.3}),
        ),
        (seeded("acn", [0, 1], declared=PAIRED | {"correlation": 0.6}), seeded("res", [0, 1])),
        (seeded("acn", [0, 1], declared="yes"), seeded("res", [0, 1], declared="yes")),
    ],
)
def test_other_seeds_are_independent(candidates, baselines):
    assert pair_by_seed(candidates, baselines) is None
