"""Every solver against an independent one."""

import os

import numpy as np
import pytest
import torch
from scipy.optimize import check_grad
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.preprocessing import Normalizer, StandardScaler

from acn_eval.checkpoints import load
from acn_eval.data import DATA_ROOT, open_examples
from acn_eval.probes.batched import _Problem, batched_path
from acn_eval.probes.logistic import logistic_path
from acn_eval.probes.ridge import ridge_path
from acn_eval.probes.scaling import Scaling
from tests.probes.sets import SETS, arrays

PENALTIES = (1e3, 10.0, 1.0, 0.1)
TOLERANCE = 1e-7


def exact(name):
    x, labels = arrays(name)
    return x.astype(np.float64), labels


def outputs(solution, x):
    return x @ solution.weights.T + solution.bias


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


def test_the_gradient_of_the_batched_loss(device):
    x, labels = exact("wine")
    problem = _Problem.of(x, labels, [3.0], device)
    shape = (1, 3, x.shape[1] + 1)

    def loss(flat):
        weights = torch.from_numpy(flat).view(shape).to(device)
        return problem.loss(weights)[0].item()

    def gradient(flat):
        weights = torch.from_numpy(flat).view(shape).to(device)
        return problem.loss(weights)[1].flatten().cpu().numpy()

    point = np.random.default_rng(0).normal(size=np.prod(shape))
    assert check_grad(loss, gradient, point) < 1e-5


def test_dropped_problems_keep_their_own_solution(device):
    """A strong penalty converges long before a weak one; company changes neither."""
    x, labels = exact("wine")
    together = batched_path(x, labels, PENALTIES, TOLERANCE, device)
    for penalty, found in zip(PENALTIES, together, strict=True):
        (alone,) = batched_path(x, labels, [penalty], TOLERANCE, device)
        np.testing.assert_allclose(found.weights, alone.weights, atol=1e-8)


def test_problems_that_do_not_fit_at_once_are_solved_in_groups(monkeypatch, device):
    x, labels = exact("wine")
    together = batched_path(x, labels, PENALTIES, TOLERANCE, device)
    monkeypatch.setattr("acn_eval.probes.batched._LOGITS", 3 * 3 * len(x))
    for found, other in zip(
        batched_path(x, labels, PENALTIES, TOLERANCE, device), together, strict=True
    ):
        np.testing.assert_allclose(found.weights, other.weights, atol=1e-8)


def test_what_does_not_converge_is_said(monkeypatch, device):
    x, labels = exact("digits")
    for module in ("logistic", "batched"):
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
    centred = x - x.mean(axis=0)
    for penalty, found in zip(PENALTIES, ridge_path(x, labels, PENALTIES), strict=True):
        gram = centred.T @ centred + penalty * np.eye(x.shape[1])
        wanted = np.linalg.solve(gram, centred.T @ (targets - targets.mean(axis=0)))
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
