"""Gradual and movement pruning: the closed form, and scores by brute force."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from acn_eval.studies.pruning.during_training import Gradual, cubic, movement
from acn_eval.studies.pruning.masks import magnitudes, masks_of, prunable, zeros_in
from tests.studies.pruning.test_masks import network


@pytest.mark.parametrize("final", [0.0, 0.3, 0.95])
def test_the_schedule_is_the_one_of_zhu_and_gupta(final):
    start, begin, steps, every = 0.0, 0, 10, 3
    for k in range(steps + 1):
        t = begin + k * every
        written = final + (start - final) * (1 - (t - begin) / (steps * every)) ** 3
        assert cubic(final, t, steps * every) == pytest.approx(written)
    assert cubic(final, 10**6, 30) == final


def test_gradual_pruning_follows_the_schedule_and_never_lets_a_weight_back():
    own = network()
    gradual = Gradual(own, 0.8, ramp=10, every=2, masks=masks_of(magnitudes(own), 0.0))
    generator = torch.Generator().manual_seed(0)
    total = sum(w.numel() for w in prunable(own).values())
    seen, before = [], None
    for done in range(1, 15):
        with torch.no_grad():  # a step of some optimizer
            for weight in prunable(own).values():
                weight += 0.05 * torch.randn(weight.shape, generator=generator)
        gradual(done)
        zero = {k: w == 0 for k, w in prunable(own).items()}
        assert before is None or all(bool((zero[k] >= before[k]).all()) for k in zero)
        seen.append(round(zeros_in(own) * total))
        before = zero
    held = [0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 10, 10, 10]
    assert seen == [round(cubic(0.8, t, 10) * total) for t in held]


def none_yet(own):
    return {name: torch.zeros_like(weight) for name, weight in prunable(own).items()}


def steps_of(own, scores, count=4):
    """Train by plain gradient descent; returns scores by autograd, added up by hand."""
    weights = prunable(own)
    expected = {k: torch.zeros_like(w) for k, w in weights.items()}
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.SGD(own.parameters(), lr=0.5)
    with movement(own, scores):
        for _ in range(count):
            images = torch.rand(8, 1, 8, 8, generator=generator)
            labels = torch.randint(10, (8,), generator=generator)
            plain = copy.deepcopy(own)  # without the hooks that are under test
            twins = prunable(plain)
            loss = cross_entropy(plain(images), labels)
            gradients = torch.autograd.grad(loss, list(twins.values()))
            for name, gradient in zip(twins, gradients, strict=True):
                expected[name] -= gradient * twins[name].detach()
            optimizer.zero_grad()
            cross_entropy(own(images), labels).backward()
            torch.nn.utils.clip_grad_norm_(own.parameters(), 0.01)
            optimizer.step()
    return expected


def test_movement_scores_are_gradient_times_weight_added_up():
    own = network()
    scores = none_yet(own)
    expected = steps_of(own, scores)
    for name, score in scores.items():
        assert torch.allclose(score, expected[name], atol=1e-6)
        assert bool((score != 0).any())


def test_movement_goes_on_from_scores_and_stops_watching():
    own = network()
    scores = none_yet(own)
    first = steps_of(own, scores)
    second = steps_of(own, scores)
    for name, score in scores.items():
        assert torch.allclose(score, first[name] + second[name], atol=1e-6)
    kept = copy.deepcopy(scores)
    cross_entropy(own(torch.rand(4, 1, 8, 8)), torch.arange(4)).backward()
    assert all(torch.equal(score, kept[name]) for name, score in scores.items())


def test_a_weight_that_grows_outlives_a_larger_one_that_shrinks():
    """Where movement differs from magnitude (figure 1 of the paper)."""
    layer = torch.nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.9, 0.2]]))
    scores = none_yet(layer_of(layer))
    with movement(layer_of(layer), scores):
        loss = layer(torch.tensor([[1.0, -1.0]])).sum()  # pushes the first down, the second up
        loss.backward()
    kept = masks_of(scores, 0.5)["0.weight"]
    assert kept.tolist() == [[False, True]]
    assert masks_of(magnitudes(layer_of(layer)), 0.5)["0.weight"].tolist() == [[True, False]]


def layer_of(layer):
    return torch.nn.Sequential(layer)
