"""Logistic regression: its gradient vanishes, and scikit-learn finds the same minimum."""

import os

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from acn_eval.checkpoints import load
from acn_eval.data import DATA_ROOT, open_examples
from acn_eval.probes import logistic
from acn_eval.probes.logistic import logistic_path
from acn_eval.probes.probe import Scaling
from tests.probes.sets import PENALTIES, SETS, TOLERANCE, exact, outputs
from tests.tiny import train_on_cifar

EXACT = 1e-9


def drawn(n, width, classes, seed=0, spread=1.0):
    """Overlapping normal classes; each occurs."""
    draw = np.random.default_rng(seed)
    labels = draw.permutation(np.arange(n) % classes)
    centers = draw.normal(0, spread, (classes, width))
    return centers[labels] + draw.normal(size=(n, width)), labels


def unbalanced():
    x, labels = drawn(400, 6, 3)
    kept = (labels == 0) | (np.arange(400) % 20 == 0)
    return x[kept], labels[kept]


def collinear():
    x, labels = drawn(150, 5, 3)
    return np.concatenate([x, x[:, :2] @ [[1.0], [-2.0]], x[:, :1] + 3.0], 1), labels


def constant():
    x, labels = drawn(150, 5, 3)
    x[:, 2] = 7.0
    return x, labels


def far():
    """Columns of different scale, far from zero."""
    x, labels = drawn(200, 4, 3)
    return x * [1e-3, 1.0, 30.0, 1e3] + [5.0, 100.0, -40.0, 1e4], labels


HARD = {
    "overlapping": lambda: drawn(300, 5, 4, spread=0.5),
    "separable": lambda: drawn(90, 8, 3, spread=20.0),
    "fewer images than features": lambda: drawn(40, 120, 4),
    "two classes": lambda: drawn(200, 6, 2, spread=0.5),
    "100 classes": lambda: drawn(300, 6, 100, spread=2.0),
    "nothing varies": lambda: (np.full((50, 4), 3.0), np.arange(50) % 7 % 3),
    "more images than a part of the Hessian": lambda: drawn(2500, 4, 3, spread=0.5),
    "unbalanced": unbalanced,
    "collinear": collinear,
    "constant": constant,
    "far": far,
}


def losses(solution, x, labels):
    """Log loss of every image."""
    return -log_softmax(outputs(solution, x), axis=1)[np.arange(len(x)), labels]


def steepest(solution, x, labels, penalty):
    """Largest entry of the gradient of the mean loss with respect to weights and bias."""
    classes = labels.max() + 1
    residual = np.exp(log_softmax(outputs(solution, x), axis=1)) - np.eye(classes)[labels]
    own = penalty * (2 if classes == 2 else 1) * solution.weights
    weights = (residual.T @ x + own) / len(x)
    return max(np.abs(weights).max(), np.abs(residual.mean(axis=0)).max())


@pytest.fixture(params=[0, 10**9], ids=["diagonal", "newton"])
def scaled(request, monkeypatch):
    """Either scaling of the steps, whatever the number of coefficients."""
    monkeypatch.setattr(logistic, "_FEW", request.param)


@pytest.mark.usefixtures("scaled")
@pytest.mark.parametrize("name", HARD)
def test_the_gradient_vanishes_in_the_given_features(name, device):
    """The loss is convex: where its gradient vanishes, it is least."""
    x, labels = HARD[name]()
    for penalty, found in zip(
        PENALTIES, logistic_path(x, labels, PENALTIES, EXACT, device), strict=True
    ):
        assert found.converged
        assert steepest(found, x, labels, penalty) <= 1.01 * EXACT


@pytest.mark.parametrize("name", ["overlapping", "separable", "two classes", "unbalanced"])
def test_the_minimum_is_that_of_newton_s_method_of_scikit_learn(name, device):
    x, labels = HARD[name]()
    for penalty, found in zip(
        PENALTIES, logistic_path(x, labels, PENALTIES, EXACT, device), strict=True
    ):
        other = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-12)
        other.fit(x, labels)
        own = found.weights if len(found.weights) > 2 else found.weights[1:] - found.weights[:1]
        np.testing.assert_allclose(own, other.coef_, atol=1e-5 * np.abs(other.coef_).max())
        wanted = -other.predict_log_proba(x)[np.arange(len(x)), labels]
        shrunk, theirs = (penalty / 2 * (w**2).sum() for w in (own, other.coef_))
        total = losses(found, x, labels).sum() + shrunk
        assert total == pytest.approx(wanted.sum() + theirs, rel=1e-8)


@pytest.mark.usefixtures("scaled")
@pytest.mark.parametrize("name", SETS)
def test_logistic_equals_a_cold_fit_of_scikit_learn(name, device):
    x, labels = exact(name)
    train = np.arange(len(x)) % 2 == 0
    for penalty, found in zip(
        PENALTIES,
        logistic_path(x[train], labels[train], PENALTIES, TOLERANCE, device),
        strict=True,
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
        right = outputs(found, x[~train]).argmax(axis=1) == labels[~train]
        assert right.mean() == pytest.approx(cold.score(x[~train], labels[~train]), abs=1e-3)


@pytest.mark.skipif(DATA_ROOT not in os.environ, reason=f"{DATA_ROOT} is not set")
def test_logistic_equals_scikit_learn_on_features_of_cifar(device, tmp_path):
    model = load(train_on_cifar(tmp_path, "acn"))
    examples = open_examples("cifar10", "validation").keyed(800)
    images = examples.read(np.arange(len(examples)), model.prepare.spec) / 255
    with torch.no_grad():
        features = model.model.readings(model.prepare.normalize(images))[-1].stream.numpy()
    x = Scaling.of("standardise", features[:400])(features)
    x, labels, test, wanted = x[:400], examples.labels[:400], x[400:], examples.labels[400:]
    for penalty, found in zip(
        PENALTIES, logistic_path(x, labels, PENALTIES, TOLERANCE, device), strict=True
    ):
        cold = LogisticRegression(C=1 / penalty, tol=TOLERANCE, max_iter=5000).fit(x, labels)
        right = outputs(found, test).argmax(axis=1) == wanted
        assert right.mean() == pytest.approx(cold.score(test, wanted), abs=1e-3)


@pytest.mark.parametrize("name", SETS)
def test_two_classes_have_the_probability_of_scikit_learn(name, device):
    x, labels = exact(name)
    x, labels = x[labels < 2], labels[labels < 2]
    (found,) = logistic_path(x, labels, [1.0], TOLERANCE, device)
    shown = np.exp(log_softmax(outputs(found, x), axis=1))
    wanted = LogisticRegression(C=1.0, tol=TOLERANCE, max_iter=5000).fit(x, labels)
    np.testing.assert_allclose(shown, wanted.predict_proba(x), atol=1e-4)


@pytest.mark.usefixtures("scaled")
def test_the_order_of_the_path_changes_no_solution(device):
    x, labels = exact("wine")
    there = logistic_path(x, labels, PENALTIES, EXACT, device)
    back = logistic_path(x, labels, PENALTIES[::-1], EXACT, device)[::-1]
    for penalty, one, other in zip(PENALTIES, there, back, strict=True):
        (alone,) = logistic_path(x, labels, [penalty], EXACT, device)
        np.testing.assert_allclose(one.weights, other.weights, atol=1e-5)
        np.testing.assert_allclose(one.weights, alone.weights, atol=1e-5)


@pytest.mark.usefixtures("scaled")
def test_what_does_not_converge_is_said(monkeypatch, device):
    x, labels = exact("digits")
    monkeypatch.setattr(logistic, "MAX_ITERATIONS", 2)
    (found,) = logistic_path(x, labels, [1e-3], 1e-9, device)
    assert not found.converged


@pytest.mark.usefixtures("scaled")
@pytest.mark.parametrize("name", ["overlapping", "far"])
def test_a_tolerance_that_float64_cannot_reach_ends_at_the_minimum(name, device):
    x, labels = HARD[name]()
    (found,) = logistic_path(x, labels, [1.0], 0.0, device)
    assert found.converged
    assert steepest(found, x, labels, 1.0) <= EXACT
