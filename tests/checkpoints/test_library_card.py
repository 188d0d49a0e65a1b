"""Cards beside weights of a library's network."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import timm
import torch
import yaml
from PIL import Image

from acn_eval.checkpoints import load
from acn_eval.checkpoints.library_card import LibraryCard, read_card, written_out
from acn_eval.data import Framing, Geometry, PrepareImages
from acn_eval.errors import CheckpointError
from tests.checkpoints.library_files import ARGUMENTS, NAME, card, network, with_card

FRAMED = {"crop_pct": 0.75, "crop_mode": "center", "interpolation": "bilinear"}
MOMENTS = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25]}


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_logits_are_those_of_the_library_s_own_pipeline(tmp_path, suffix):
    path = with_card(tmp_path / f"net{suffix}", **FRAMED, **MOMENTS)
    image = np.random.default_rng(0).integers(0, 256, (41, 37, 3), dtype=np.uint8)
    theirs = timm.data.create_transform((3, 24, 24), is_training=False, **FRAMED, **MOMENTS)
    with torch.no_grad():
        want = network()(theirs(Image.fromarray(image))[None])
        checkpoint = load(str(path))
        shown = checkpoint.prepare.spec(image)[None].float() / 255
        got = checkpoint.model(checkpoint.prepare(shown))
    torch.testing.assert_close(got, want, rtol=0, atol=1e-5)


def test_its_record_says_what_weights_do_not(tmp_path):
    path = with_card(tmp_path / "net.safetensors", classes=list("vwxyz"), data="letters")
    found = load(str(path))
    assert (found.id.name, found.id.uri, found.data) == ("net", str(path), "letters")
    assert found.classes == tuple("vwxyz")
    assert found.named
    assert found.id.arch["arguments"] == ARGUMENTS
    assert found.id.arch["name"] == NAME


def test_what_it_leaves_out_is_the_library_s(tmp_path):
    found = load(str(with_card(tmp_path / "net.safetensors")))
    assert found.classes == ("0", "1", "2", "3", "4")
    assert not found.named
    config = timm.get_pretrained_cfg(NAME)
    assert found.prepare.mean == config.mean
    assert found.prepare.spec.framing.crop_pct == config.crop_pct


def test_a_name_before_the_weights_reads_the_card_too(tmp_path):
    path = with_card(tmp_path / "net.safetensors", classes=list("vwxyz"), **FRAMED, **MOMENTS)
    one, two = load(str(path)), load(f"timm:{NAME}@{path}")
    assert two.classes == tuple("vwxyz")
    assert two.id == replace(one.id, uri=f"timm:{NAME}@{path}")


@pytest.mark.parametrize("uri", ["timm:resnet18", "torchvision:resnet18"])
def test_a_name_that_is_not_the_card_s_is_refused(tmp_path, uri):
    path = with_card(tmp_path / "net.safetensors")
    with pytest.raises(CheckpointError, match=f"beside the weights, timm:{NAME}; got resnet18"):
        load(f"{uri}@{path}")


WRONG = {
    "misspelt": ({"modle": "timm:x"}, "is no field of a card of weights"),
    "another library": ({"model": "keras:vit"}, "model: String should match"),
    "an address": ({"model": "timm:vit@/etc/passwd"}, "model: String should match"),
    "an unknown name": ({"model": "timm:no_such_net"}, "timm has no model 'no_such_net'"),
    "a file to load": ({"arguments": {"checkpoint_path": 3}}, "checkpoint_path"),
    "a huge argument": ({"arguments": {"embed_dim": 10**9}}, "less than or equal to 4096"),
    "too deep": ({"arguments": {**ARGUMENTS, "depth": 4000}}, "depth must be that of the weights"),
    "of no network": ({"model": "timm:resnet18"}, "arguments must be those of the network"),
    "no sizes": ({"arguments": {}}, "does not fit"),
    "few classes": ({"classes": ["a", "b"]}, "classes must be 5 names, one per logit; got 2"),
    "equal classes": ({"classes": list("aabcd")}, "classes must be different names"),
    "two channels": ({"mean": [0.5] * 2, "std": [0.5] * 2}, "must be 3 numbers"),
    "no std": ({"mean": [0.5] * 3}, "mean and std must have one number per channel each"),
    "other weights": ({"sha256": "0" * 64}, "its sha256 differs"),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_card_is_one_line(tmp_path, changes, said):
    path = with_card(tmp_path / "net.safetensors", **changes)
    with pytest.raises(CheckpointError) as caught:
        load(str(path))
    assert said in str(caught.value)


def test_the_sha256_is_of_the_file(tmp_path):
    path = with_card(tmp_path / "net.safetensors")
    own = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load(str(with_card(path, sha256=own))).id.name == "net"


def test_weights_without_a_card_have_none(tmp_path):
    path = with_card(tmp_path / "net.safetensors")
    path.with_suffix(".card.yaml").unlink()
    assert read_card(path) is None
    with pytest.raises(CheckpointError, match="must hold a card"):
        load(str(path))


def test_of_several_files_of_a_name_the_card_is_of_one(tmp_path):
    path = with_card(tmp_path / "a[1].safetensors")
    others = [path.with_suffix(suffix) for suffix in (".pt", ".pth", ".txt")]
    for other in others:
        other.write_bytes(b"")
    assert read_card(path) is not None
    assert [read_card(other) for other in others] == [None] * 3
    path.unlink()
    assert [read_card(other) is None for other in others] == [False, True, True]


def test_a_card_that_is_written_out_states_the_same():
    plain = LibraryCard(**card())
    usual = PrepareImages(Geometry(224, 3, Framing(0.9)), (0.5,) * 3, (0.25,) * 3)
    whole = written_out(plain, plain.prepared(usual))
    assert whole.prepared(PrepareImages(Geometry(7, 3), (0.0,) * 3, (1.0,) * 3)) == plain.prepared(
        usual
    )
    assert (whole.size, whole.crop_pct, whole.mean) == (24, 0.9, (0.5,) * 3)


def test_the_card_of_the_page_is_one_by_the_printed_schema(call):
    page = (Path(__file__).parents[2] / "docs" / "registry.md").read_text()
    (text,) = re.findall(r"```yaml\n(model:.*?)```", page, re.DOTALL)
    code, out, _ = call("schema", "--card")
    assert code == 0
    jsonschema.validate(yaml.safe_load(text), json.loads(out))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"model": "timm:x", "modle": ""}, json.loads(out))
    assert LibraryCard(**yaml.safe_load(text)).name == NAME
