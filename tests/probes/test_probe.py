"""What a fitted probe answers on features that are scaled for it."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import Normalizer, StandardScaler

from acn_eval.probes import PROTOCOLS, score, select
from acn_eval.probes.probe import Neighbors, Scaling
from tests.probes.sets import CPU, arrays, splits


def test_ridge_has_no_confidence_and_the_others_have_one():
    train, validation, test = splits("digits")
    for name, has in {"ridge": False, "linear": True, "knn": True}.items():
        answered = score(select(PROTOCOLS[name], train, validation, CPU).probe, test)
        assert (answered.confidence is not None) == has


def test_neighbors_vote_as_scikit_learn_s_do():
    train, _, test = splits("digits")
    found = score(Neighbors(train), test)
    model = KNeighborsClassifier(
        20, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(train.x, train.labels)
    assert np.array_equal(found.predicted, model.predict(test.x))
    wanted = model.predict_proba(test.x).max(axis=1)
    np.testing.assert_allclose(found.confidence, wanted, atol=1e-5)


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
