"""Sentences come in batches of about one length, each as often as the others."""

import numpy as np
import pytest
import torch

from acn_eval.data import open_examples
from acn_eval.models import build, initialize
from acn_eval.training.batches import POOL, batch_indices, bucketed, pooled_steps
from acn_eval.training.classes import answered_right
from acn_eval.training.fit import task_of
from acn_eval.training.sources import open_split, prepare_for
from tests.tiny import CPU
from tests.training import texts


@pytest.fixture(scope="module")
def task():
    plan = texts.classes()
    examples = open_split(plan, "train", None)
    return task_of(plan, examples, prepare_for(plan, examples))


@pytest.mark.parametrize(("n", "size"), [(1000, 4), (50, 8), (7, 3)])
def test_the_steps_of_a_pool_show_the_examples_of_an_unsorted_order(n, size):
    lengths = np.random.default_rng(0).integers(1, 60, n)
    many = pooled_steps(n, size)
    for pool in (0, 2):
        steps = range(pool * many, (pool + 1) * many)
        found = [bucketed(lambda at: lengths[at], n, size, step, 5) for step in steps]
        assert {own.shape for own in found} == {(size,)}
        expected = batch_indices(n, size * many, pool, 5)
        assert sorted(np.concatenate(found)) == sorted(expected)
        means = [lengths[own].mean() for own in found]
        if many > 2:
            assert sorted(means) != means  # short sentences do not come first


@pytest.mark.parametrize(("n", "size"), [(3984, 64), (3984, 32), (2500, 64), (67_349, 64)])
def test_many_examples_are_pooled_by_64_steps(n, size):
    assert pooled_steps(n, size) == POOL


@pytest.mark.parametrize(("n", "size"), [(20, 16), (100, 64), (400, 64), (1500, 64), (70, 64)])
def test_of_few_examples_a_batch_does_not_hold_one_many_times(n, size):
    lengths = np.random.default_rng(0).integers(20, 90, n)
    for step in range(40):
        found = bucketed(lambda at: lengths[at], n, size, step, 5)
        assert np.unique(found, return_counts=True)[1].max() <= 3


def test_batches_have_hardly_any_padding(task):
    batches = [task.batch(step, CPU) for step in range(20)]
    whole = sum(b.inputs.ids.numel() for b in batches)
    assert sum(b.tokens for b in batches) > 0.93 * whole
    shown = [len(t[0].split()) for t in task.examples.inputs.texts]
    spread = np.random.default_rng(0).choice(shown, (200, 16))
    assert (spread.mean() + 2) / (spread.max(axis=1).mean() + 2) < 0.85  # of random batches


def test_labels_are_those_of_the_sentences(task):
    batch, own = task.batch(3, CPU), task.prepare.vocabulary
    for ids, mask, label in zip(batch.inputs.ids, batch.inputs.mask, batch.targets, strict=True):
        text = " ".join(own.pieces[i] for i in ids[mask].tolist()[1:-1])
        at = [texts_[0] for texts_ in task.examples.inputs.texts].index(text)
        position = task.examples.positions.tolist().index(at)
        assert task.examples.labels[position] == label


def test_answers_do_not_depend_on_the_order_of_examples(task):
    validation = open_examples("synthetic-sentences", "validation")
    network = initialize(build(texts.classes().arch), 0).eval()
    with torch.no_grad():
        network.head.out.weight.mul_(1000)
    turned = np.arange(len(validation))[::-1].copy()
    one = answered_right(network, validation, task.prepare, CPU)
    other = answered_right(network, validation.at(turned), task.prepare, CPU)
    assert (one == other[::-1]).all()
    assert 0 < one.mean() < 1
