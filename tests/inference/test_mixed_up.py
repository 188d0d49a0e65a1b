"""Mixed-up classes are noticed where they are, and only there."""

import numpy as np
import pytest

from acn_eval.inference.mixed_up import mixed_up

RNG = np.random.default_rng(5)


def answers(k, n, right, rng=RNG):
    """Labels, and predictions of which a share is right."""
    labels = rng.integers(0, k, n)
    wrong = rng.integers(0, k, n)
    return labels, np.where(rng.random(n) < right, labels, wrong)


@pytest.mark.parametrize(("k", "n"), [(2, 60), (10, 400), (100, 3000), (1000, 20_000)])
def test_permuted_classes_are_named(k, n):
    labels, predicted = answers(k, n, right=0.8)
    order = np.roll(np.arange(k), 1)  # nobody stays where he is
    names = tuple(f"class {i}" for i in range(k))
    assert mixed_up(labels, predicted, names) == ""
    said = mixed_up(labels, order[predicted], names)
    assert said.startswith("classes look mixed up: ")
    named = said.partition("; ")[2].partition(". Check")[0].split(", ")
    pairs = {f"class {i} is answered as class {order[i]}" for i in range(k)}
    assert set(named) <= pairs
    assert len(named) == min(k, 3)


@pytest.mark.parametrize("right", [0.0, 0.1, 0.3, 0.6, 1.0])
@pytest.mark.parametrize(("k", "n"), [(2, 30), (10, 40), (10, 1000), (200, 300)])
def test_honest_networks_are_not_accused(k, n, right):
    """Random ones included, on which the best renaming always gains."""
    for seed in range(20):
        labels, predicted = answers(k, n, right, np.random.default_rng(seed))
        assert mixed_up(labels, predicted, tuple(map(str, range(k)))) == ""


def test_a_network_that_answers_one_class_alone_is_not_accused():
    labels = RNG.integers(0, 10, 500)
    assert mixed_up(labels, np.full(500, 3), tuple("0123456789")) == ""
    assert mixed_up(labels, np.full(500, -1), tuple("0123456789")) == ""


def test_two_swapped_classes_of_many_are_no_permutation():
    """It may as well be the network that takes cats for dogs."""
    labels, predicted = answers(10, 1000, right=0.9)
    swap = np.array([1, 0, *range(2, 10)])
    assert mixed_up(labels, swap[predicted], tuple("0123456789")) == ""


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_examples(n):
    labels = np.arange(n)
    assert mixed_up(labels, labels[::-1], tuple("abc")) == ""
    assert mixed_up(labels, labels, ("a",)) == ""
