"""The card: what it says is what the checkpoint is, and a card that lies is refused."""

import json

import pytest
import torch

from acn_eval.checkpoints import Card, load
from tests.checkpoints.files import ARCH, CLASSES, SEEN, TRAINING, card, raw_pt, refusal, written


def with_card(path, **changes):
    fields = {**json.loads(card().model_dump_json()), **changes}
    return raw_pt(path, acn_eval_card=json.dumps(fields))


def test_a_checkpoint_says_what_its_card_says(tmp_path):
    path = written(tmp_path / "deep" / "net.v2.pt")
    checkpoint = load(str(path))
    assert checkpoint.id.name == "net"
    assert checkpoint.id.uri == str(path)
    assert checkpoint.id.arch == ARCH.model_dump(mode="json")
    assert checkpoint.classes == CLASSES
    assert checkpoint.data == "digits"
    assert checkpoint.pair == str(tmp_path / "deep" / "twin.pt")
    assert checkpoint.training_hashes.tolist() == SEEN.tolist()
    facts = {"size": 8, "channels": 1, "mean": [0.3], "std": [0.2], "crop_pct": 1.0}
    facts |= {"crop_mode": "center", "interpolation": "bilinear of torch"}
    assert checkpoint.prepare.facts() == facts
    assert checkpoint.id.preprocessing == checkpoint.prepare.facts()
    shown = checkpoint.prepare.normalize(torch.full((1, 1, 8, 8), 0.5))
    assert torch.allclose(shown, torch.tensor(1.0))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"extra": 1}, "extra"),
        ({"classes": ["one"]}, "classes"),
        ({"classes": ["a", "b", "c"]}, "classes must be 4"),
        ({"classes": ["a", "b", "c", "c"]}, "classes must be 4"),
        ({"mean": [0.1, 0.2, 0.3]}, "mean and std must be 1"),
        ({"std": [0.0]}, "std"),
        ({"std": ["wide"]}, "std"),
        ({"arch": {"kind": "vit", "depht": 3}}, "depht"),
        ({"arch": {"kind": "resnet"}}, "arch"),
        ({"arch": {**ARCH.model_dump(), "width": 10**9}}, "width"),
        ({"arch": {**ARCH.model_dump(), "depth": 10**9}}, "depth"),
        ({"arch": {**ARCH.model_dump(), "width": 1e30}}, "width"),
        ({"arch": {**ARCH.model_dump(), "width": 2**16}}, "weights must fit"),
        ({"arch": {**ARCH.model_dump(), "depth": 1000}}, "weights must fit"),
        ({"arch": {**ARCH.model_dump(), "image_size": 4096}}, "tokens"),
        ({"mean": [1e30]}, "mean"),
        ({"mean": [float("nan")]}, "mean"),
        ({"std": [1e-300]}, "std"),
        ({"data": "d" * 5000}, "data"),
        ({"training": {**TRAINING, "examples": 10**30}}, "examples"),
        ({"training": {**TRAINING, "seconds": -1}}, "seconds"),
        ({"training": {**TRAINING, "validation_accuracy": 1e30}}, "validation_accuracy"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_card_that_lies_is_refused_and_the_field_named(tmp_path, changes, said):
    assert said in refusal(with_card(tmp_path / "a.pt", **changes))


def test_a_card_that_is_no_json(tmp_path):
    assert "its card" in refusal(raw_pt(tmp_path / "a.pt", acn_eval_card="{"))


def test_an_old_card_is_still_read():
    """Fields that a file of today has: renaming one would orphan every checkpoint."""
    old = {
        "arch": {"kind": "vit", "connectivity": "acn", "depth": 2, "grain": None, "pool": "cls"},
        "data": "digits",
        "data_fingerprint": "0123456789abcdef",
        "classes": [str(i) for i in range(10)],
        "mean": [0.3],
        "std": [0.3],
        "pair": None,
        "training": None,
    }
    assert Card.model_validate(old).model_dump(mode="json").keys() >= old.keys()
