"""Numbers: their batches, their score, and a training that learns them."""

import numpy as np
import pytest
import torch
from scipy import stats

from acn_eval.errors import ConfigError, DataError
from acn_eval.models import build, initialize
from acn_eval.training.certify import certify
from acn_eval.training.classes import SentenceNumbers, answered_numbers
from acn_eval.training.fit import task_of
from acn_eval.training.sources import open_split, prepare_for
from tests.tiny import CPU
from tests.training import texts


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    place = tmp_path_factory.mktemp("scored")
    texts.write_scored(place)
    return place


@pytest.fixture(scope="module")
def splits(root):
    return [
        open_split(texts.scored(), s, root, reads_numbers=True) for s in ("train", "validation")
    ]


@pytest.fixture(scope="module")
def task(splits):
    return task_of(texts.scored(), splits[0], prepare_for(texts.scored(), splits[0]))


def network(seed=0):
    return initialize(build(texts.scored().arch), seed).eval()


def test_targets_are_those_of_the_pairs(task):
    assert isinstance(task, SentenceNumbers)
    for step in range(3):
        batch = task.batch(step, CPU)
        good = task.prepare.vocabulary.numbers["fine"]
        assert batch.targets.dtype == torch.float32
        assert (batch.inputs.ids == good).sum(1).tolist() == batch.targets.tolist()


def test_the_score_is_pearsons_correlation_and_the_squared_error(task, splits):
    held_out, model = splits[1], network()
    numbers = answered_numbers(model, held_out, task.prepare, CPU)
    r = stats.pearsonr(numbers, held_out.targets).statistic
    model.head.out.weight.data *= np.sign(r)
    found = task.score(model, held_out, CPU)
    assert found.accuracy == pytest.approx(abs(r), abs=1e-5)
    signed = numbers * np.sign(r)
    assert found.loss == pytest.approx(np.mean((signed - held_out.targets) ** 2), rel=1e-4)
    assert found.n == len(held_out)
    model.head.out.weight.data *= -1
    assert task.score(model, held_out, CPU).accuracy == 0  # a card has no negative share
    model.head.out.weight.data *= 0
    constant = task.score(model, held_out, CPU)
    assert constant.accuracy == 0
    assert constant.loss == pytest.approx(np.mean(held_out.targets**2), rel=1e-5)
    assert task.score(model, held_out.at(np.arange(0)), CPU) == (0, 0, 0)


def test_a_network_learns_numbers(root, tmp_path):
    card = texts.trained(texts.scored(select="validation", looks=2), tmp_path / "a.pt", root=root)
    assert card.classes == ("score",)
    assert card.training.validation_accuracy > 0.9
    assert card.training.validation_loss < 1  # guessing the mean is 2.9


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"arch": {"classes": 2}}, ConfigError, "arch.classes must be 1 for this data; got 2"),
        ({"label_smoothing": 0.1}, ValueError, "label_smoothing must be 0 where the network"),
    ],
)
def test_what_does_not_fit_is_one_line(root, tmp_path, changes, error, said):
    with pytest.raises(error, match=said):
        texts.trained(texts.scored(**changes), tmp_path / "a.pt", root=root)


def test_one_class_is_no_number(tmp_path):
    plan = texts.classes(arch={"classes": 1}, classes=("positive",), label_smoothing=0.0)
    with pytest.raises(ConfigError, match="classes must be two or more; got positive"):
        texts.trained(plan, tmp_path / "a.pt")


def test_bf16_is_certified_for_classes_alone(root, tmp_path, monkeypatch):
    monkeypatch.setattr("acn_eval.training.certify.has_bf16", lambda device: True)
    with pytest.raises(DataError, match="examples must have classes here"):
        certify(texts.scored(), tmp_path / "kept", device=CPU, root=root)
    assert not (tmp_path / "kept").exists()
