"""Ridge against its normal equations, logistic regression against cold fits of scikit-learn."""

import os

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from acn_eval.checkpoints import load
from acn_eval.data import DATA_ROOT, open_examples
from acn_eval.probes.batched import batched_path
from acn_eval.probes.probe import Scaling
from acn_eval.probes.solvers import logistic_path, ridge_path
from tests.probes.sets import PENALTIES, SETS, TOLERANCE, exact, outputs


def accuracy(solution, x, labels):
    return np.mean(outputs(solution, x).argmax(axis=1) == labels)


@pytest.fixture(params=["path", "batched"])
def solve(request, device):
    if request.param == "path":
        return logistic_path
    return lambda *arguments: batched_path(*arguments, device)


@pytest.mark.parametrize("name", SETS)
def test_logistic_equals_a_cold_fit_of_scikit_learn(name, solve):
    x, labels = exact(name)
    train = np.arange(len(x)) % 2 == 0
    for penalty, found in zip(
        PENALTIES, solve(x[train], labels[train], PENALTIES, TOLERANCE), strict=True
    ):
        cold = LogisticRegression(C=1 / penalty, tol=TOLERANCE, max_iter=5000)
        cold.fit(x[train], labels[train])
        wanted = cold.coef_
        got = found.weights if len(wanted) > 1 else found.weights[1:] - found.weights[:1]
        bias = found.bias if len(wanted) > 1 else found.bias[1:] - found.bias[:1]
        assert found.converged
        np.testing.assert_allclose(got, wanted, atol=2e-3 * max(1, np.abs(wanted).max()))
        np.testing.assert_allclose(
            bias - bias.mean(), cold.intercept_ - cold.intercept_.mean(), atol=1e-2
        )
        other = cold.score(x[~train], labels[~train])
        assert accuracy(found, x[~train], labels[~train]) == pytest.approx(other, abs=1e-3)


@pytest.mark.skipif(DATA_ROOT not in os.environ, reason=f"{DATA_ROOT} is not set")
def test_logistic_equals_scikit_learn_on_features_of_cifar(solve):
    model = load("cifar10/ac_vit.pt")
    examples = open_examples("cifar10", "validation").keyed(800)
    images = examples.read(np.arange(len(examples)), model.prepare.spec) / 255
    with torch.no_grad():
        features = model.model.readings(model.prepare.normalize(images))[-1].stream.numpy()
    x = Scaling.of("standardise", features[:400])(features)
    x, labels, test, wanted = x[:400], examples.labels[:400], x[400:], examples.labels[400:]
    for penalty, found in zip(PENALTIES, solve(x, labels, PENALTIES, TOLERANCE), strict=True):
        cold = LogisticRegression(C=1 / penalty, tol=TOLERANCE, max_iter=5000).fit(x, labels)
        assert accuracy(found, test, wanted) == pytest.approx(cold.score(test, wanted), abs=1e-3)


@pytest.mark.parametrize("name", SETS)
def test_two_classes_have_the_probability_of_scikit_learn(name, solve):
    x, labels = exact(name)
    x, labels = x[labels < 2], labels[labels < 2]
    (found,) = solve(x, labels, [1.0], TOLERANCE)
    shown = np.exp(outputs(found, x))
    wanted = LogisticRegression(C=1.0, tol=TOLERANCE, max_iter=5000).fit(x, labels)
    np.testing.assert_allclose(
        shown / shown.sum(axis=1, keepdims=True), wanted.predict_proba(x), atol=1e-4
    )


def test_what_does_not_converge_is_said(monkeypatch, device):
    x, labels = exact("digits")
    for module in ("solvers", "batched"):
        monkeypatch.setattr(f"acn_eval.probes.{module}.MAX_ITERATIONS", 3)
    for found in (
        logistic_path(x, labels, [1e-3], 1e-9),
        batched_path(x, labels, [1e-3], 1e-9, device),
    ):
        assert [solution.converged for solution in found] == [False]


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
