"""The authors' Mixer files, against a forward pass written from the paper's description."""

import pytest
import torch
from torch.nn.functional import conv1d, conv2d, gelu, layer_norm, linear, relu

from acn_eval.checkpoints import load
from tests.checkpoints.files import (
    OFFICIAL_PAPER,
    OFFICIAL_SMALL,
    official_file,
    official_state,
    pictures,
    refusal,
    written,
)

READINGS = ["official/ac-mixer", "official/res-mixer"]


def reference(state, images, *, residual):
    """Logits of every exit; images are normalised."""

    def norm(x, prefix):
        return layer_norm(
            x, x.shape[-1:], state[f"{prefix}ln.weight"], state[f"{prefix}ln.bias"], 1e-5
        )

    def layer(function, x, key):
        return function(x, state[f"{key}.weight"], state[f"{key}.bias"])

    def block(x, p):
        token = layer(
            conv1d, gelu(layer(conv1d, norm(x, f"{p}mlp1."), f"{p}mlp1.fc1")), f"{p}mlp1.fc2"
        )
        h = token + x if residual else token
        wide = gelu(layer(linear, norm(h, f"{p}mlp2."), f"{p}mlp2.fc1"))
        channel = layer(linear, wide, f"{p}mlp2.fc2")
        h = channel + h if residual else channel
        return norm(relu(layer(linear, h, f"{p}linear") + x), p)

    patch = state["patch_emb.0.weight"].shape[-1]
    patches = conv2d(images, state["patch_emb.0.weight"], state["patch_emb.0.bias"], stride=patch)
    x = patches.flatten(2).permute(0, 2, 1)
    x = torch.cat([state["cls_token"].repeat(len(images), 1, 1), x], 1)
    depth = len({key.split(".")[1] for key in state if key.startswith("mixer_layers.")})
    outputs = [x]
    for i in range(depth):
        outputs.append(block(outputs[-1], f"mixer_layers.{i}."))
    exits = outputs if residual else torch.stack(outputs).cumsum(0)
    return [layer(linear, norm(y, "")[:, 0], "clf") for y in exits]


@pytest.mark.parametrize("sizes", [OFFICIAL_SMALL, OFFICIAL_PAPER], ids=["small", "paper"])
@pytest.mark.parametrize("arch", READINGS)
def test_both_readings_agree_with_the_description_exits_included(tmp_path, arch, sizes):
    state = official_state(sizes)
    checkpoint = load(str(official_file(tmp_path / "best.pth.tar", state)), arch)
    images = checkpoint.prepare.normalize(pictures(checkpoint))
    wanted = reference(state, images, residual=arch == "official/res-mixer")
    with torch.no_grad():
        exits = checkpoint.model.exits(images)
        assert torch.equal(checkpoint.model(images), exits[-1])
    assert len(exits) == len(wanted) == sizes["depth"] + 1
    for got, reading in zip(exits, wanted, strict=True):
        torch.testing.assert_close(got, reading, atol=2e-5, rtol=1e-5)


def test_the_papers_number_of_parameters(tmp_path):
    path = official_file(tmp_path / "best.pth.tar", official_state(OFFICIAL_PAPER))
    for arch in READINGS:
        checkpoint = load(str(path), arch)
        assert checkpoint.id.parameters == 2_527_002
        assert checkpoint.id.arch["depth"] == 16
        assert checkpoint.prepare.spec.size == 32
        assert checkpoint.classes[:2] == ("airplane", "automobile")
        assert checkpoint.data == "cifar10"


def test_the_two_readings_are_two_networks(tmp_path):
    path = str(official_file(tmp_path / "best.pth.tar"))
    ac, res = (load(path, arch) for arch in READINGS)
    assert ac.id.sha256 == res.id.sha256
    assert ac.id.arch != res.id.arch
    assert ac.id.arch["connectivity"] == "acn"
    assert (ac.id.arch["skips"], res.id.arch["skips"]) == ("none", "both")
    images = pictures(ac)
    with torch.no_grad():
        assert (ac.model(images) - res.model(images)).abs().max() > 1e-3


def test_a_file_is_refused_without_its_architecture(tmp_path):
    said = refusal(official_file(tmp_path / "best.pth.tar"))
    assert "`arch`" in said


@pytest.mark.parametrize("arch", ["official/mixer", "acn", "official/AC-mixer"])
def test_an_unknown_architecture_names_the_known_ones(tmp_path, arch):
    said = refusal(official_file(tmp_path / "best.pth.tar"), arch)
    assert all(known in said for known in READINGS)
    assert arch in said


def test_names_of_data_parallel_training_are_accepted(tmp_path):
    state = official_state()
    plain = load(str(official_file(tmp_path / "a.pth.tar", state)), READINGS[0])
    wrapped = {f"module.{key}": value for key, value in state.items()}
    parallel = load(str(official_file(tmp_path / "b.pth.tar", wrapped)), READINGS[0])
    images = pictures(plain)
    with torch.no_grad():
        assert torch.equal(plain.model(images), parallel.model(images))


def test_other_numbers_of_classes_are_numbered(tmp_path):
    state = official_state({**OFFICIAL_SMALL, "classes": 3})
    assert load(str(official_file(tmp_path / "a.tar", state)), READINGS[0]).classes == tuple("012")


def without(*keys, **changes):
    state = {k: v for k, v in official_state().items() if k not in keys}
    return {**state, **{k.replace("__", "."): v for k, v in changes.items()}}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({}, "missing"),
        ({"a": torch.zeros(1)}, "alone; got 'a'"),
        (without("patch_emb.0.weight"), "patch_emb.0.weight is missing"),
        (without("clf.weight"), "clf.weight is missing"),
        (without("ln.bias"), "norm.bias"),
        (without("mixer_layers.1.ln.bias"), "blocks.1.ln.bias"),
        (without(tail=torch.zeros(2)), "alone; got 'tail'"),
        (without(patch_emb__0__weight=torch.zeros(4)), "patch_emb.0.weight has the shape (4,)"),
        (without(patch_emb__0__weight=torch.zeros(10, 2, 4, 4)), "channels: Input should be 1"),
        (without(clf__weight=torch.zeros(1, 10)), "classes must be 1"),
        (without(clf__weight=torch.tensor(3.0)), "clf.weight has the shape ()"),
        (without(ln__bias="no tensor"), "tensor"),
        (without(ln__bias=torch.full((10,), float("nan"))), "norm.bias"),
    ],
)
@pytest.mark.parametrize("arch", READINGS)
def test_what_is_no_mixer_is_refused(tmp_path, state, said, arch):
    assert said in refusal(official_file(tmp_path / "a.pth.tar", state), arch)


@pytest.mark.parametrize("content", [[1, 2], {"model": {}}, {"state_dict": 3}, torch.zeros(2)])
def test_a_file_of_another_layout(tmp_path, content):
    torch.save(content, tmp_path / "a.pth.tar")
    assert "state_dict" in refusal(tmp_path / "a.pth.tar", READINGS[0])


def test_a_file_of_ours_is_not_read_as_an_official_one(tmp_path):
    assert "state_dict" in refusal(written(tmp_path / "a.pt"), READINGS[0])
