"""Synaptic Intelligence against integrals that were written out by hand."""

import pytest
import torch
from torch import nn

from acn_eval.errors import Stopped
from acn_eval.studies.continual.methods import SI, Naive
from acn_eval.studies.continual.si import Synaptic
from tests.studies.continual.plans import course, learner_of, train

VARIANTS = ("zenke", "mammoth", "vandeven")
RATE, C, XI = 0.1, 0.5, 0.25


def follow_by_hand(variant):
    """Two tasks of two steps of SGD on ``loss = (w - goal)^2 / 2``, in plain Python floats.

    Returns the weight and the importance after both tasks.
    """
    w, anchor, importance = 2.0, 2.0, 0.0
    for goal in (1.0, 3.0):
        path = 0.0
        for _ in range(2):
            g = w - goal
            h = g + 2 * C * importance * (w - anchor)
            change = -RATE * h
            path += {"zenke": -g * change, "mammoth": RATE * h**2, "vandeven": -h * change}[
                variant
            ]
            w += change
        importance += path / ((w - anchor) ** 2 + XI)
        if variant == "zenke":
            importance = max(importance, 0.0)
        anchor = w
    return w, importance


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_steps_of_two_tasks_are_the_integral_by_hand(variant):
    weight = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    regularizer = Synaptic(SI(variant=variant, c=C, xi=XI), [weight], RATE)
    optimizer = torch.optim.SGD([weight], RATE)
    for goal in (1.0, 3.0):
        for _ in range(2):
            optimizer.zero_grad()
            ((weight - goal) ** 2 / 2).sum().backward()
            regularizer.add_gradient()
            optimizer.step()
            regularizer.after_step()
        regularizer.end_task(iter(()))
    w, importance = follow_by_hand(variant)
    assert weight.item() == pytest.approx(w, rel=1e-12)
    assert float(regularizer.importance[0]) == pytest.approx(importance, rel=1e-12)


def test_the_variants_differ_where_a_penalty_pulls():
    importances = [follow_by_hand(variant)[1] for variant in VARIANTS]
    assert len({round(x, 6) for x in importances}) == 2  # plain SGD: mammoth's is van de Ven's
    assert importances[0] != pytest.approx(importances[2], rel=1e-3)


def test_the_gradient_of_the_penalty_is_that_of_autograd():
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(3, 2)), nn.Parameter(torch.randn(4))]
    regularizer = Synaptic(SI(c=0.7), weights, RATE)
    torch._foreach_copy_(regularizer.importance, [torch.rand(3, 2), torch.rand(4)])
    torch._foreach_copy_(regularizer.anchors, [torch.randn(3, 2), torch.randn(4)])
    parts = zip(regularizer.importance, weights, regularizer.anchors, strict=True)
    penalty = 0.7 * sum((o * (w - a) ** 2).sum() for o, w, a in parts)
    expected = torch.autograd.grad(penalty, weights)
    for w in weights:
        w.grad = torch.zeros_like(w)
    regularizer.add_gradient()
    for w, gradient in zip(weights, expected, strict=True):
        torch.testing.assert_close(w.grad, gradient)


def test_only_zenke_keeps_the_positive_part():
    for variant, expected in (("zenke", 0.0), ("vandeven", -8.0)):
        weight = nn.Parameter(torch.zeros(1))
        regularizer = Synaptic(SI(variant=variant, xi=1.0), [weight], RATE)
        regularizer.path[0].fill_(-8.0)  # a task that moved against its gradient
        regularizer.end_task(iter(()))
        assert float(regularizer.importance[0]) == expected


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_strength_of_nothing_is_naive_bit_for_bit(tmp_path, variant):
    naive = learner_of(course(Naive()))
    free = learner_of(course(SI(variant=variant, c=0)))
    held = learner_of(course(SI(variant=variant, c=1)))
    for learner in (naive, free, held):
        for _ in range(3):
            learner.learn()
    pairs = [
        zip(naive.network.parameters(), x.network.parameters(), strict=True) for x in (free, held)
    ]
    assert all(torch.equal(a, b) for a, b in pairs[0])
    assert not all(torch.equal(a, b) for a, b in pairs[1])
    assert any(float(o.abs().max()) > 0 for o in free.regularizer.importance)


def test_nothing_of_the_path_integral_shares_memory_with_the_weights(tmp_path):
    learner = learner_of(course(SI()))
    regularizer, parameters = learner.regularizer, list(learner.network.parameters())
    addresses = {p.data_ptr() for p in parameters}
    kept = [
        *regularizer.anchors,
        *regularizer.before,
        *regularizer.own,
        *regularizer.path,
        *regularizer.importance,
    ]
    assert not addresses & {tensor.data_ptr() for tensor in kept}
    start = [a.clone() for a in regularizer.anchors]
    for step in range(3):
        learner.step(learner.batch(step))
    assert all(torch.equal(a, b) for a, b in zip(regularizer.anchors, start, strict=True))
    assert not all(torch.equal(a, p) for a, p in zip(regularizer.anchors, parameters, strict=True))
    assert sum(float(path.abs().sum()) for path in regularizer.path) > 0


def test_the_path_integral_of_small_steps_is_the_fall_of_the_loss(tmp_path):
    """What defines it: summed over all weights, it is how much the loss fell (Zenke, eq. 2)."""
    small = course(SI(), learning_rate=1e-4, weight_decay=0.0)
    learner = learner_of(small)
    batch = learner.batch(0)
    losses = [float(learner.step(batch)) for _ in range(20)]
    whole = sum(float(path.double().sum()) for path in learner.regularizer.path)
    with torch.no_grad():
        logits = learner.network(batch.images).gather(1, batch.columns)
    last = float(nn.functional.cross_entropy(logits, batch.targets))
    assert whole == pytest.approx(losses[0] - last, rel=0.05)


@pytest.mark.parametrize("method", [Naive(), SI()])
def test_a_killed_training_goes_on_to_the_same_numbers(tmp_path, method):
    own = course(method)
    whole = train(own, tmp_path / "whole").arrays()

    def kill(done, total):
        if done == 12:  # the third task is learned, but not kept
            raise KeyboardInterrupt

    with pytest.raises(Stopped):
        train(own, tmp_path / "cut", kill)
    resumed = train(own, tmp_path / "cut").arrays()
    for a, b in zip(whole, resumed, strict=True):
        assert (a == b).all()
