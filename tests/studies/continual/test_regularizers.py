"""EWC against plain loops, autograd and a closed form; SI against integrals written by hand."""

from itertools import islice

import pytest
import torch
from torch import nn

from acn_eval.errors import Stopped
from acn_eval.studies.continual.methods import EWC, SI, Naive
from acn_eval.studies.continual.regularizers import Elastic, Shown, Synaptic, fisher_diagonal
from tests.studies.continual.plans import course, learner_of, train

VARIANTS = ("zenke", "mammoth", "vandeven")
RATE, C, XI = 0.1, 0.5, 0.25


def shown_one_by_one(learner, count):
    """The first images of the stage that a regularizer is shown at its end."""
    return list(islice(learner._one_by_one(), count))


def fisher_by_hand(network, shown):
    """E over images, E over the network's own answers, of the square of the score."""
    total = [torch.zeros_like(p, dtype=torch.float64) for p in network.parameters()]
    for images, columns, _ in shown:
        for answer in range(columns.shape[1]):
            logits = network(images)[0][columns[0]]
            p = (logits.exp() / logits.exp().sum())[answer]
            score = torch.autograd.grad(p.log(), list(network.parameters()))
            for sum_, g in zip(total, score, strict=True):
                sum_ += p.item() * g.double() ** 2
    return [sum_ / len(shown) for sum_ in total]


@pytest.mark.parametrize("logits", ["task", "seen"])
def test_fisher_information_is_the_loop_over_images_and_answers(tmp_path, logits):
    learner = learner_of(course(logits=logits))
    learner.learn()
    learner.stage = 1 if logits == "task" else 2
    shown = shown_one_by_one(learner, 3)
    found = fisher_diagonal(learner.network, iter(shown))
    for ours, expected in zip(found, fisher_by_hand(learner.network, shown), strict=True):
        torch.testing.assert_close(ours.double(), expected, rtol=1e-4, atol=1e-9)
    assert sum(float(f.sum()) for f in found) > 0


def test_fisher_information_of_a_linear_softmax_is_the_closed_form():
    """diag F of W[k, j] is the mean of x_j^2 p_k (1 - p_k), and of b[k] of p_k (1 - p_k)."""
    torch.manual_seed(0)
    network = nn.Linear(3, 5).double()
    images = torch.randn(7, 3, dtype=torch.float64)
    columns = torch.tensor([[4, 1, 2]])
    shown = [Shown(x[None], columns, torch.tensor([0])) for x in images]
    weight, bias = fisher_diagonal(network, iter(shown))
    p = network(images).detach()[:, columns[0]].softmax(1)
    spread = p * (1 - p)
    torch.testing.assert_close(weight[columns[0]], spread.T @ images**2 / 7)
    torch.testing.assert_close(bias[columns[0]], spread.mean(0))
    assert not weight[[0, 3]].any()
    assert not bias[[0, 3]].any()


def test_labels_are_not_used_and_no_images_are_no_information():
    network = nn.Linear(3, 4)
    image, columns = torch.ones(1, 3), torch.arange(4)[None]
    found = [
        fisher_diagonal(network, iter([Shown(image, columns, torch.tensor([target]))]))
        for target in (0, 3)
    ]
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))
    assert not any(f.any() for f in fisher_diagonal(network, iter(())))


def test_so_many_images_as_asked_are_looked_at():
    network, taken = nn.Linear(3, 4), []

    def endless():
        while True:
            taken.append(1)
            yield Shown(torch.ones(1, 3), torch.arange(4)[None], torch.tensor([0]))

    Elastic(EWC(images=6), network).end_task(endless())
    assert len(taken) == 6


def test_the_pull_is_the_gradient_of_one_penalty_per_task():
    """Two sums stand for lambda / 2 sum_k F_k (w - w_k)^2; here each task is kept on its own."""
    torch.manual_seed(0)
    network = nn.Linear(3, 4).double()
    columns = torch.arange(4)[None]
    regularizer, kept = Elastic(EWC(strength=3.0), network), []
    for _ in range(2):
        with torch.no_grad():
            for p in network.parameters():
                p.copy_(torch.randn_like(p))
        shown = [Shown(torch.randn(1, 3).double(), columns, columns[:, 0]) for _ in range(5)]
        regularizer.end_task(iter(shown))
        weights = [p.detach().clone() for p in network.parameters()]
        kept.append((fisher_diagonal(network, iter(shown)), weights))
    parameters = list(network.parameters())
    with torch.no_grad():
        for p in parameters:
            p.add_(torch.randn_like(p))
    penalty = sum(
        3.0 / 2 * (f * (p - w) ** 2).sum()
        for fisher, weights in kept
        for f, p, w in zip(fisher, parameters, weights, strict=True)
    )
    expected = torch.autograd.grad(penalty, parameters)
    for p in parameters:
        p.grad = torch.ones_like(p)
    regularizer.add_gradient()
    for p, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(p.grad, 1 + gradient)


def moved(learner):
    """How far the second task moves what the first one has left."""
    learner.learn()
    before = [p.detach().clone() for p in learner.network.parameters()]
    learner.learn()
    pairs = zip(learner.network.parameters(), before, strict=True)
    return sum(float((p.detach() - b).square().sum()) for p, b in pairs)


def test_a_strength_of_nothing_is_naive_and_more_of_it_moves_less(tmp_path):
    methods = [Naive(), *(EWC(strength=s, images=5) for s in (0, 1e3, 1e6))]
    learners = [learner_of(course(method)) for method in methods]
    naive, free, held, stiff = (moved(learner) for learner in learners)
    pairs = zip(learners[0].network.parameters(), learners[1].network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert naive == free > held > stiff
    assert any(f.any() for f in learners[1].regularizer.fisher)


def test_what_is_kept_shares_no_memory_with_the_weights(tmp_path):
    learner = learner_of(course(EWC(images=2)))
    learner.learn()
    addresses = {p.data_ptr() for p in learner.network.parameters()}
    kept = [*learner.regularizer.fisher, *learner.regularizer.held]
    assert not addresses & {tensor.data_ptr() for tensor in kept}


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
