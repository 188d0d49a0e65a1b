"""Scaling against scikit-learn."""

import numpy as np
import pytest
from sklearn.preprocessing import Normalizer, StandardScaler

from acn_eval.probes.scaling import Scaling
from tests.probes.sets import arrays


@pytest.mark.parametrize(
    ("kind", "other"), [("standardise", StandardScaler), ("l2", Normalizer), ("none", None)]
)
def test_scaling_is_scikit_learn_s(kind, other):
    x, _ = arrays("digits")
    x = 3 * x[:, :40] + 1
    x[:, 0] = 7.0  # a feature that does not vary
    found = Scaling.of(kind, x[:200])(x[200:])
    exact = x.astype(np.float64)
    wanted = exact[200:] if other is None else other().fit(exact[:200]).transform(exact[200:])
    np.testing.assert_allclose(found, wanted, atol=1e-12)
