"""Problems that are solved together have the solutions that they have alone."""

import numpy as np
import torch
from scipy.optimize import check_grad

from acn_eval.probes.batched import _Problem, batched_path
from tests.probes.sets import PENALTIES, TOLERANCE, exact


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
