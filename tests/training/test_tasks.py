"""What every task keeps: a batch is a function of seed and step, and fits loss and network."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from acn_eval.models import build, initialize
from acn_eval.training.fit import task_of
from acn_eval.training.sources import open_split, prepare_for
from tests.tiny import CPU, recipe
from tests.training import texts

RECIPES = {
    "images": recipe(batch=16),
    "sentences": texts.classes(),
    "masked tokens": texts.masked(),
}


@pytest.fixture(scope="module", params=RECIPES)
def plan(request):
    return RECIPES[request.param]


@pytest.fixture(scope="module")
def splits(plan):
    return open_split(plan, "train", None), open_split(plan, "validation", None)


def made(plan, splits, **changes):
    prepare = prepare_for(plan, splits[0])
    return task_of(plan.model_copy(update=changes), splits[0], prepare)


def plain(batch):
    inputs = batch.inputs if isinstance(batch.inputs, torch.Tensor) else batch.inputs.ids
    return inputs.tolist(), batch.targets.tolist(), batch.tokens


def test_a_step_does_not_know_its_history(plan, splits):
    task, other = made(plan, splits), made(plan, splits)
    forwards = [plain(task.batch(step, CPU)) for step in range(5)]
    backwards = [plain(other.batch(step, CPU)) for step in reversed(range(5))]
    assert forwards == backwards[::-1]
    assert len({str(own) for own in forwards}) == 5


def test_another_seed_is_shown_other_batches(plan, splits):
    one, other = made(plan, splits), made(plan, splits, seed=1)
    assert plain(one.batch(0, CPU)) != plain(other.batch(0, CPU))


def test_targets_are_those_of_the_logits(plan, splits):
    network = initialize(build(plan.arch), 0)
    batch = made(plan, splits).batch(2, CPU)
    assert len(batch.inputs) == plan.batch
    with torch.no_grad():
        logits = network(batch.inputs)
    assert len(logits) == len(batch.targets)
    assert 0 < float(cross_entropy(logits, batch.targets)) < 10


def test_tokens_are_counted_without_padding(plan, splits):
    batch = made(plan, splits).batch(1, CPU)
    shown = getattr(batch.inputs, "mask", torch.zeros(1))
    assert batch.tokens == int(shown.sum())


def test_the_score_counts_every_answer(plan, splits):
    network = initialize(build(plan.arch), 0).eval()
    score = made(plan, splits).score(network, splits[1], CPU)
    assert 0 <= score.accuracy <= 1
    assert (score.n == len(splits[1])) == (not plan.masked)
    assert (score.loss is None) == (not plan.masked)
