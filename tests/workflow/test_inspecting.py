"""What is said about a checkpoint, its lacks, and the card that is written for weights."""

import pytest
import timm
import torch
import yaml

from acn_eval.checkpoints import load
from acn_eval.checkpoints.library_card import read_card
from acn_eval.errors import AcnEvalError, CheckpointError, ConfigError
from acn_eval.workflow.inspecting import inspect
from tests.checkpoints.files import official_file, written, written_text

NAME = "ghostnet_050"


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Weights of a network of timm with three classes; no file says what they are."""
    path = tmp_path_factory.mktemp("small") / "small.pth"
    with torch.random.fork_rng(devices=[]):
        network = timm.create_model(NAME, num_classes=3)
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def inspected(small, tmp_path_factory):
    """What is said about them, and the card that is written."""
    card = tmp_path_factory.mktemp("cards") / "small.card.yaml"
    return inspect(str(small), card=card), card


def test_a_checkpoint_of_ours_lacks_nothing(tmp_path):
    seen = inspect(str(written(tmp_path / "a.pt", pair="b.pt")))
    facts = dict(seen.facts)
    assert facts["kind"] == "a checkpoint of acn-eval"
    assert facts["classes"] == "4: ant, bee, cat, dog"
    assert facts["exits"] == "0 to 2"
    assert facts["data"] == "digits"
    assert facts["twin"] == str(tmp_path / "b.pt")
    assert facts["reads"].startswith("8 x 8 pixels, gray; ")
    assert (list(seen.lacks), list(seen.uris)) == ([], [str(tmp_path / "a.pt")])


def test_a_shipped_one_is_called_by_its_name():
    seen = inspect("ac_vit.pt")
    assert (list(seen.uris), dict(seen.facts)["twin"]) == (["ac_vit.pt"], "res_vit.pt")


def test_a_network_that_reads_text_is_described(tmp_path):
    assert dict(inspect(str(written_text(tmp_path / "t.pt"))).facts)["reads"] == "sentences"


def test_an_address_is_asked_what_it_lacks(tmp_path):
    torch.save(timm.create_model("test_vit", num_classes=3).state_dict(), tmp_path / "w.pt")
    seen = inspect(f"timm:test_vit@{tmp_path / 'w.pt'}")
    assert dict(seen.facts)["classes"] == "3, without names"
    assert list(seen.lacks) == [
        "names of its classes, which a card states",
        "the data that it was trained on: name the data to measure it on",
    ]


def test_a_file_of_the_authors_lacks_its_name(tmp_path):
    seen = inspect(str(official_file(tmp_path / "best.pth.tar")))
    assert list(seen.lacks) == [
        "which network it is: official/ac-mixer or official/res-mixer",
    ]


def test_weights_get_the_names_that_they_fit(inspected, small):
    seen, _ = inspected
    facts = dict(seen.facts)
    assert facts["fits"] == f"timm:{NAME}"
    assert facts["classes"] == "3, without names"
    assert list(seen.uris) == [f"timm:{NAME}@{small}"]
    assert seen.card == str(small.with_suffix(".card.yaml"))


def test_the_card_is_the_library_s_own_preprocessing_and_is_read_back(inspected, small, tmp_path):
    _, card = inspected
    fields = yaml.safe_load(card.read_text())
    theirs = timm.data.resolve_model_data_config(timm.create_model(NAME))
    assert fields["size"] == theirs["input_size"][1]
    assert fields["mean"] == pytest.approx(theirs["mean"])
    assert fields["std"] == pytest.approx(theirs["std"])
    for name in ("crop_pct", "crop_mode", "interpolation"):
        assert fields[name] == theirs[name]
    beside = tmp_path / "small.pth"
    beside.write_bytes(small.read_bytes())
    text = card.read_text().replace("classes: []", "classes: [ant, bee, cat]")
    (tmp_path / "small.card.yaml").write_text(text.replace('data: ""', "data: digits"))
    assert read_card(beside).model == f"timm:{NAME}"
    made = load(str(beside))
    assert (made.classes, made.data, made.named) == (("ant", "bee", "cat"), "digits", True)


def test_weights_of_other_sizes_need_a_card_and_are_loaded_by_it(tmp_path):
    path = tmp_path / "own.pt"
    with torch.random.fork_rng(devices=[]):
        network = timm.create_model("convit_tiny", num_classes=3, img_size=32, patch_size=8)
    torch.save(network.state_dict(), path)
    seen = inspect(str(path), card=path.with_suffix(".card.yaml"))
    assert dict(seen.facts)["made with"] == "img_size 32, patch_size 8, in_chans 3"
    assert list(seen.uris) == []
    made = load(str(path))
    assert made.prepare.spec.size == 32
    assert made.model(made.prepare.blank(1)).shape == (1, 3)


def test_a_prefix_of_a_trainer_is_seen_and_no_card_written(small, tmp_path):
    state = {f"net.{k}": v for k, v in torch.load(small, weights_only=True).items()}
    torch.save({"state_dict": state}, tmp_path / "a.ckpt")
    seen = inspect(str(tmp_path / "a.ckpt"))
    assert dict(seen.facts)["fits"] == f"timm:{NAME}"
    assert "keys of the library: its keys begin with net.: save it again without" in seen.lacks
    assert list(seen.uris) == []
    with pytest.raises(ConfigError, match=r"begin with net\.: save it again without"):
        inspect(str(tmp_path / "a.ckpt"), card=tmp_path / "a.card.yaml")


def test_weights_of_nobody_may_be_built_by_code_of_the_user(tmp_path):
    torch.save({"mine.weight": torch.ones(2, 3), "mine.bias": torch.ones(2)}, tmp_path / "a.pt")
    seen = inspect(str(tmp_path / "a.pt"))
    assert "fits" not in dict(seen.facts)
    assert "module:FILE.py:FUNCTION (mine.weight, mine.bias, ...)" in seen.lacks[-1]


def test_a_card_is_for_weights_alone_and_replaces_nothing(small, tmp_path):
    (tmp_path / "mine.yaml").write_text("mine")
    for uri in (written(tmp_path / "a.pt"), small):
        with pytest.raises(ConfigError, match="must be a new file, for weights that have no card"):
            inspect(str(uri), card=tmp_path / "mine.yaml")
    assert (tmp_path / "mine.yaml").read_text() == "mine"


def test_what_cannot_be_read_is_said_and_what_is_missing_raises(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "whole.pt")
    facts = dict(inspect(str(tmp_path / "whole.pt")).facts)
    assert "torch.nn.modules.linear.Linear" in facts["refused"]
    with pytest.raises(CheckpointError, match=r"Did you mean ac_vit\.pt"):
        inspect("ac_vitt.pt")


@pytest.mark.parametrize(
    "uri", ["", " ", "a\0b", "x" * 5000, "models:/", "nothing:here", "timm:no_such_network"]
)
def test_what_is_no_name_is_an_error(uri):
    with pytest.raises(AcnEvalError, match=r"must|has no model"):
        inspect(uri)
