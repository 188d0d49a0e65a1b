"""The loss in logits against Woolf's variance and the worked example."""

from itertools import product

import numpy as np
import pytest

from acn_eval.statistics.design import ARCHITECTURES, CHECKPOINTS, Design, Pair
from acn_eval.statistics.logits import logit_difference

FILES = Design(CHECKPOINTS)


def share(accuracy, n=1000):
    return (np.arange(n) < round(accuracy * n)).astype(float)[None]


def test_equal_losses_in_logits_are_no_difference():
    """2 logits lost from 91.3 % and from 95.7 % are -16.4 points, and nothing in logits."""
    clean = Pair(share(0.913), share(0.957))
    corrupted = Pair(share(0.587), share(0.751))
    assert (corrupted.per_example.mean(), (corrupted - clean).per_example.mean()) == pytest.approx(
        (-0.164, -0.120)
    )
    assert logit_difference(FILES, corrupted, clean).value == pytest.approx(0, abs=0.02)


def test_variance_is_woolfs_where_the_four_accuracies_are_uncorrelated():
    """Every combination of four outcomes once: sample covariances are exactly 0."""
    a, b, c, d = np.array(list(product((0.0, 1.0), repeat=4)) * 20).T[:, None, :]
    found = logit_difference(FILES, Pair(a, b), Pair(c, d))
    n, k = 320, 160
    woolf = 1 / (k + 0.5) + 1 / (n - k + 0.5)
    assert found.value == pytest.approx(0)
    assert found.variance == pytest.approx(4 * woolf, rel=1e-3)


def test_ceiling_keeps_a_width():
    full = np.ones((1, 360))
    found = logit_difference(FILES, Pair(share(0.7, 360), share(0.6, 360)), Pair(full, full))
    assert found.variance > 2 * (1 / 360.5 + 1 / 0.5) * 0.99


def test_common_images_cancel():
    one = Pair(share(0.7), share(0.7))
    clean = Pair(share(0.95), share(0.95))
    found = logit_difference(FILES, one, clean)
    assert found.value == 0
    assert found.variance < 0.01


def test_seeds_widen_it():
    rng = np.random.default_rng(0)
    strong = Pair(*(np.vstack([share(a) for a in rng.uniform(0.5, 0.7, 5)]) for _ in range(2)))
    clean = Pair(*(np.vstack([share(0.95)] * 5) for _ in range(2)))
    few = logit_difference(Design(ARCHITECTURES), strong, clean)
    same = logit_difference(FILES, strong, clean)
    assert few.value == pytest.approx(same.value)
    assert few.variance > 2 * same.variance
    assert few.df < 20


@pytest.mark.parametrize("unit", [CHECKPOINTS, ARCHITECTURES])
def test_at_the_ceiling_the_half_observations_are_all_of_the_variance(unit):
    """Five seeds a side without one error: nothing scatters, and the logit is not certain."""
    full = np.ones((5, 360))
    found = logit_difference(Design(unit), Pair(full, full), Pair(full, full))
    share = 360.5 / 361
    one = (0.5 / share**2 + 0.5 / (1 - share) ** 2) / 361**2
    assert found.variance == pytest.approx(4 * one / 5)
