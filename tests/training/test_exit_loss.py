"""Losses of several exits against sums that are written out."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from acn_eval.checkpoints import load
from acn_eval.training import train
from acn_eval.training.exit_loss import exit_weights, loss_of, weighted_loss
from tests.tiny import CPU, digits, recipe


@pytest.mark.parametrize("depth", [1, 2, 8, 16])
def test_linear_weights_are_those_of_the_paper_and_add_up_to_one(depth):
    weights = exit_weights("linear", depth)
    paper = [2 * (layer + 1) / (depth * (depth + 1)) for layer in range(depth)]
    assert list(weights.values()) == pytest.approx(paper)
    assert list(weights) == list(range(1, depth + 1))
    assert sum(weights.values()) == pytest.approx(1)


def test_a_mapping_adds_its_exits_to_the_last():
    assert exit_weights({12: 0.8, 8: 0.6, 4: 0.4}, 16) == {12: 0.8, 8: 0.6, 4: 0.4, 16: 1.0}


def test_the_loss_is_the_weighted_sum_of_the_exits():
    generator = torch.Generator().manual_seed(0)
    exits = [torch.randn(5, 3, generator=generator) for _ in range(3)]
    targets = torch.softmax(torch.randn(5, 3, generator=generator), dim=1)
    log_shares = [logits.log_softmax(1).numpy() for logits in exits]
    smooth = 0.9 * targets.numpy() + 0.1 / 3
    each = [-(smooth * log_share).sum(1).mean() for log_share in log_shares]
    found = weighted_loss(exits, targets, {1: 0.5, 2: 2.0}, 0.1)
    assert float(found) == pytest.approx(0.5 * each[1] + 2 * each[2], rel=1e-5)
    alone = weighted_loss(exits, targets, {2: 1.0}, 0.1)
    assert torch.equal(alone, cross_entropy(exits[2], targets, label_smoothing=0.1))


def test_of_one_output_it_is_the_mean_squared_error():
    generator = torch.Generator().manual_seed(0)
    exits = [torch.randn(7, 1, generator=generator) for _ in range(2)]
    targets = torch.rand(7, generator=generator)
    errors = [np.mean((e.numpy()[:, 0] - targets.numpy()) ** 2) for e in exits]
    assert float(loss_of(exits[0], targets, 0.1)) == pytest.approx(errors[0], rel=1e-6)
    found = weighted_loss(exits, targets, {0: 0.5, 1: 1.0}, 0.0)
    assert float(found) == pytest.approx(0.5 * errors[0] + errors[1], rel=1e-6)


def test_an_exit_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="exits below 2; got exit 2"):
        recipe(exit_loss={2: 0.5})


def test_exits_that_are_trained_are_better_than_exits_that_are_not(tmp_path):
    """Branch and shared heads alike: the first exit of the tiny network learns its task."""
    plans = {
        "last": recipe(),
        "linear": recipe(exit_loss="linear"),
        "branch": recipe(exit_loss={1: 0.8}, arch={"branches": (1,)}),
    }
    accuracy = {}
    for name, plan in plans.items():
        train(plan, tmp_path / f"{name}.pt", device=CPU)
        accuracy[name] = first_exit(tmp_path / f"{name}.pt")
    assert accuracy["linear"] > accuracy["last"] + 0.1
    assert accuracy["branch"] > accuracy["last"] + 0.1


@torch.no_grad()
def first_exit(file):
    found, examples = load(str(file)), digits()
    images = examples.read(np.arange(len(examples)), found.prepare.spec) / 255
    logits = found.model.exits(found.prepare.normalize(images))[1]
    return (logits.argmax(1).numpy() == examples.labels).mean()
