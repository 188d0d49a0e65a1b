"""Elastic weight consolidation against plain loops, autograd and a closed form."""

from itertools import islice

import pytest
import torch
from torch import nn

from acn_eval.studies.continual.ewc import Elastic, fisher_diagonal
from acn_eval.studies.continual.methods import EWC, Naive
from acn_eval.studies.continual.regularizer import Shown
from tests.studies.continual.plans import course, learner_of


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
