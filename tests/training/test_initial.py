"""A network that starts from a file has its encoder and vocabulary, and a head of its own."""

import hashlib

import pytest
import torch

from acn_eval.checkpoints import load
from acn_eval.checkpoints.hugging_face import write_hugging_face
from acn_eval.checkpoints.native import read_native
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.training.fit import start
from acn_eval.training.initial import initial_of
from tests.tiny import CPU
from tests.training import texts

RESIDUAL = {"connectivity": "residual"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    texts.trained(texts.masked(steps=3), folder / "mlm.pt")
    texts.trained(texts.masked(steps=3, arch=RESIDUAL), folder / "res.pt")
    return folder


def test_everything_below_the_head_is_taken(folder):
    plan = texts.classes(start_from=str(folder / "mlm.pt"))
    initial, file = initial_of(plan), read_native(folder / "mlm.pt")
    fit, drawn = start(plan, CPU, initial.state), start(plan, CPU)
    for name, value in fit.network.state_dict().items():
        head = name.startswith("head.")
        theirs = drawn.network.state_dict()[name] if head else file.state[name]
        assert torch.equal(value, theirs), name
    assert initial.vocabulary.pieces == file.card.words.vocabulary
    assert initial.start.sha256 == hashlib.sha256((folder / "mlm.pt").read_bytes()).hexdigest()
    assert (initial.start.steps, initial.start.tokens) == (3, file.card.training.tokens)


def test_a_folder_of_transformers_is_a_start(folder, tmp_path):
    write_hugging_face(read_native(folder / "res.pt"), tmp_path / "hf")
    plan = texts.classes(start_from=f"hf:{tmp_path / 'hf'}", arch=RESIDUAL)
    own = initial_of(plan)
    assert torch.equal(
        own.state["embed.words.weight"], load(str(folder / "res.pt")).model.embed.words.weight
    )
    assert (own.start.steps, own.start.tokens) == (0, 0)


def test_the_card_says_where_it_began(folder, tmp_path):
    plan = texts.classes(start_from=str(folder / "mlm.pt"))
    card = texts.trained(plan, tmp_path / "a.pt")
    began = card.training.started_from
    assert began == initial_of(plan).start
    said = load(str(tmp_path / "a.pt")).id.training["recipe"]
    assert f"start_from 3 steps on {began.tokens:,} tokens of synthetic-sentences" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (RESIDUAL, "arch.connectivity must be acn, as start_from has it; got ffn"),
        ({"width": 32}, "arch.width must be 16"),
        ({"positions": 64}, "arch.positions must be 32"),
        ({"vocabulary": 99}, "arch.vocabulary must be 175"),
    ],
)
def test_another_architecture_is_refused(folder, change, message):
    with pytest.raises(ConfigError, match=message):
        initial_of(texts.classes(start_from=str(folder / "mlm.pt"), arch=change))


def test_what_reads_images_is_refused(tiny):
    with pytest.raises(ConfigError, match="start_from must be a network of ours that reads text"):
        initial_of(texts.classes(start_from=str(tiny / "tiny_ac.pt")))


def test_a_file_that_is_not_there_is_refused():
    with pytest.raises(CheckpointError, match="nosuch"):
        initial_of(texts.classes(start_from="nosuch.pt"))
