"""What a fitted probe answers."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from acn_eval.probes import PROTOCOLS, score, select
from acn_eval.probes.probe import Neighbours
from tests.probes.sets import CPU, splits


def test_ridge_has_no_confidence_and_the_others_have_one():
    train, validation, test = splits("digits")
    for name, has in {"ridge": False, "linear": True, "knn": True}.items():
        answered = score(select(PROTOCOLS[name], train, validation, CPU).probe, test)
        assert (answered.confidence is not None) == has


def test_neighbours_vote_as_scikit_learn_s_do():
    train, _, test = splits("digits")
    found = score(Neighbours(train), test)
    model = KNeighborsClassifier(
        20, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(train.x, train.labels)
    assert np.array_equal(found.predicted, model.predict(test.x))
    wanted = model.predict_proba(test.x).max(axis=1)
    np.testing.assert_allclose(found.confidence, wanted, atol=1e-5)
