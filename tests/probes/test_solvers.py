"""Ridge against its normal equations and scikit-learn."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier

from acn_eval.probes.solvers import ridge_path
from tests.probes.sets import PENALTIES, SETS, exact, outputs


@pytest.mark.parametrize("name", SETS)
def test_ridge_equals_its_normal_equations_and_scikit_learn(name):
    x, labels = exact(name)
    targets = np.where(np.eye(labels.max() + 1)[labels] > 0, 1.0, -1.0)
    centered = x - x.mean(axis=0)
    for penalty, found in zip(PENALTIES, ridge_path(x, labels, PENALTIES), strict=True):
        gram = centered.T @ centered + penalty * np.eye(x.shape[1])
        wanted = np.linalg.solve(gram, centered.T @ (targets - targets.mean(axis=0)))
        np.testing.assert_allclose(found.weights, wanted.T, atol=1e-8)
        other = RidgeClassifier(alpha=penalty).fit(x, labels)
        assert np.array_equal(outputs(found, x).argmax(axis=1), other.predict(x))
        if labels.max() > 1:
            np.testing.assert_allclose(found.bias, other.intercept_, atol=1e-8)
            np.testing.assert_allclose(found.weights, other.coef_, atol=1e-6)


def test_ridge_with_fewer_images_than_features():
    x, labels = exact("digits")
    x, labels = x[:30], labels[:30]
    (found,) = ridge_path(x, labels, [1024.0])
    other = RidgeClassifier(alpha=1024.0).fit(x, labels)
    np.testing.assert_allclose(found.weights, other.coef_, atol=1e-10)
