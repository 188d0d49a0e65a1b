"""Trainings on text: exact resume, budgets and cards. Those of images are in test_fit."""

import sys

import numpy as np
import pytest
import torch

from acn_eval.checkpoints import load
from acn_eval.checkpoints.native import read_native
from acn_eval.errors import ConfigError
from acn_eval.inference.outputs import inputs_of
from acn_eval.training.sources import open_split
from tests.tiny import CPU
from tests.training import texts


class Killed(BaseException):
    """Nothing in the package catches it."""


def killed_at(monkeypatch, step, plan, path):
    module = sys.modules["acn_eval.training.fit"]
    original = module._step

    def killed(fit, inputs, targets):
        if fit.done == step:
            raise Killed
        return original(fit, inputs, targets)

    with monkeypatch.context() as context:
        context.setattr(module, "_step", killed)
        with pytest.raises(Killed):
            texts.trained(plan, path, save_every=0)


@pytest.fixture(scope="module")
def start_from(tmp_path_factory):
    path = tmp_path_factory.mktemp("start") / "mlm.pt"
    texts.trained(texts.masked(steps=2), path)
    return str(path)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The name of 150 lines of text, which take some 30 sequences."""
    rng, file = np.random.default_rng(0), tmp_path_factory.mktemp("lines") / "own.txt"
    drawn = (rng.choice(list("abcdefgh"), rng.integers(2, 10)) for _ in range(150))
    file.write_text("\n".join(" ".join(own) for own in drawn))
    return f"text:{file}"


@pytest.mark.parametrize("kind", ["masked", "classes"])
def test_a_killed_training_ends_with_the_same_weights(
    tmp_path, monkeypatch, kind, start_from, lines
):
    """That of masked tokens goes over an epoch in every second step."""
    own = {
        "classes": {"start_from": start_from},
        "masked": {"data": lines, "arch": {"vocabulary": 141}},
    }
    plan = getattr(texts, kind)(select="validation", looks=3, **own[kind])
    whole = texts.trained(plan, tmp_path / "whole.pt")
    for step in (1, 4, 9):
        killed_at(monkeypatch, step, plan, tmp_path / "killed.pt")
    card = texts.trained(plan, tmp_path / "killed.pt")
    one, other = (read_native(tmp_path / f"{name}.pt").state for name in ("whole", "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    apart = {"seconds"}
    assert card.training.model_dump(exclude=apart) == whole.training.model_dump(exclude=apart)


def test_what_no_card_describes_is_not_trained(tmp_path, monkeypatch):
    monkeypatch.setattr("acn_eval.checkpoints.card._MOST_LOGITS", 1000)
    monkeypatch.setattr("acn_eval.training.run.loop", pytest.fail)
    with pytest.raises(ConfigError, match="logits of one example must be at most 1,000"):
        texts.trained(texts.masked(), tmp_path / "a.pt")


def test_another_start_does_not_resume(tmp_path, monkeypatch):
    texts.trained(texts.masked(steps=2), tmp_path / "mlm.pt")
    plan = texts.classes(start_from=str(tmp_path / "mlm.pt"))
    killed_at(monkeypatch, 3, plan, tmp_path / "a.pt")
    texts.trained(texts.masked(steps=3), tmp_path / "mlm.pt")
    with pytest.raises(ConfigError, match="or of one with another start"):
        texts.trained(plan, tmp_path / "a.pt")


def test_both_arms_see_the_same_tokens(tmp_path):
    cards = [
        texts.trained(texts.masked(arch=arch), tmp_path / "a.pt").training
        for arch in ({}, {"connectivity": "residual"}, {"norm": "pre"})
    ]
    assert len({card.tokens for card in cards}) == 1
    assert cards[0].tokens > 0.8 * 10 * 16 * 32
    assert cards[0].examples == 160


@pytest.mark.parametrize("kept", ["fp32", "bf16"])
def test_the_card_of_masked_tokens(tmp_path, kept):
    card = texts.trained(texts.masked(weights=kept, steps=40), tmp_path / "a.pt")
    assert read_native(tmp_path / "a.pt").card == card
    assert card.classes == ()
    assert len(card.words.vocabulary) == 175
    training = card.training
    assert training.validation_n > 500
    assert 0.05 < training.validation_accuracy < 1
    assert 0 < training.validation_loss < 4.9  # that of 135 words at random
    assert training.data_order == "packed epochs v1"


def test_the_accuracy_of_the_card_is_that_of_the_file(tmp_path):
    plan = texts.classes(weights="bf16")
    card = texts.trained(plan, tmp_path / "a.pt")
    checkpoint, validation = load(str(tmp_path / "a.pt")), open_split(plan, "validation", None)
    right = 0
    for i in range(len(validation)):  # alone, without any padding
        inputs = inputs_of(validation, np.array([i]), checkpoint.prepare, CPU)
        with torch.no_grad():
            logits = checkpoint.model(inputs)
        right += int(logits.argmax()) == validation.labels[i]
    assert card.training.validation_accuracy == pytest.approx(right / len(validation), abs=0.003)
    assert card.training.validation_n == len(validation)


@pytest.mark.parametrize("make", [texts.classes, texts.masked])
def test_every_exit_can_be_trained(tmp_path, make):
    card = texts.trained(make(exit_loss="linear", arch={"depth": 2}), tmp_path / "a.pt")
    assert card.arch.depth == 2
