"""From fields to a network, and what is refused on the way."""

import pytest
import torch

from acn_eval.errors import ConfigError
from acn_eval.models import MixerConfig, ViTConfig, build, initialise, read_arch, rewired


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "resnet"}, "kind"),
        ({}, "kind"),
        ({"kind": "vit", "connectivity": "residul"}, "connectivity"),
        ({"kind": "vit", "depht": 3}, "depht"),
        ({"kind": "vit", "depth": -1}, "depth"),
        ({"kind": "vit", "width": 0}, "width"),
        ({"kind": "vit", "channels": 2}, "channels"),
        ({"kind": "vit", "width": 10, "heads": 3}, "heads must divide width"),
        ({"kind": "vit", "image_size": 9, "patch": 2}, "patch must divide"),
        ({"kind": "mixer", "image_size": 9, "patch": 2}, "patch must divide image_size"),
        ({"kind": "official_mixer", "connectivity": "residual"}, "connectivity"),
    ],
)
def test_a_wrong_field_is_named(fields, said):
    with pytest.raises(ConfigError, match=said) as caught:
        read_arch(fields, "recipe.yaml")
    assert str(caught.value).startswith("recipe.yaml: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_building_and_truncating_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    build(ViTConfig(depth=2)).truncated(1)
    assert torch.equal(before, torch.random.get_rng_state())


def test_initialisation_is_what_its_docstring_says():
    net = initialise(build(ViTConfig(depth=4, width=64, hidden=128)), 0)
    for name, parameter in net.named_parameters():
        if name.endswith(("cls_token", "pos_embed")):
            assert 0.015 < parameter.std() < 0.025
        elif name.endswith("bias"):
            assert not parameter.any()
        elif parameter.dim() > 1:
            rows, columns = len(parameter), parameter[0].numel()
            bound = (6 / (rows + columns)) ** 0.5
            assert 0.9 * bound < parameter.abs().max() <= bound
        else:
            assert (parameter == 1).all()


def test_networks_that_differ_in_wiring_alone_start_alike():
    nets = [initialise(build(ViTConfig(connectivity=c)), 5) for c in ("residual", "acn", "ffn")]
    first, *others = [net.state_dict() for net in nets]
    for other in others:
        assert first.keys() == other.keys()
        assert all(torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("depth", [0, 1])
def test_the_shallowest_networks(depth):
    net = build(ViTConfig(depth=depth)).eval()
    assert len(net.exits(torch.zeros(1, 1, 8, 8))) == depth + 1


def test_a_truncated_network_is_where_and_as_exact_as_its_origin():
    net = build(MixerConfig(depth=2)).double().train()
    cut = net.truncated(1)
    assert cut.head.weight.dtype == torch.float64
    assert cut.training
    with torch.no_grad():
        cut.head.weight.zero_()  # of its own
    assert net.head.weight.any()


def test_a_class_token_adds_one_token():
    for pool, tokens in (("cls", 17), ("mean", 16)):
        config = ViTConfig(pool=pool, image_size=16, patch=4)
        *_, last = build(config).streams(torch.zeros(2, 1, 16, 16))
        assert config.tokens == tokens
        assert last.shape == (2, tokens, config.width)


@pytest.mark.parametrize("branches", [(3,), (1, 1), (-1,)])
def test_branches_are_different_exits_below_the_last(branches):
    with pytest.raises(ConfigError, match="branches"):
        read_arch({"kind": "vit", "depth": 3, "branches": branches}, "test")


OFFICIAL = {"kind": "official_mixer", "depth": 2, "pool": "mean"}


@pytest.mark.parametrize(("start", "stated"), [("acn", {}), ("acn", {"skips": True}), ("ffn", {})])
def test_the_official_twins_are_the_released_networks(start, stated):
    """AC without inner skips, Res as ffn with them, whichever of the two it is made from."""
    arch = read_arch({**OFFICIAL, "connectivity": start, **stated}, "mine")
    found = {c: rewired(arch, c) for c in ("acn", "ffn")}
    assert {c: (a.connectivity, a.skips) for c, a in found.items()} == {
        "acn": ("acn", False),
        "ffn": ("ffn", True),
    }
    assert rewired(found["ffn"], "acn") == found["acn"]


def test_the_skips_of_an_official_block_can_be_stated():
    for connectivity in ("acn", "ffn"):
        fields = {**OFFICIAL, "connectivity": connectivity}
        assert read_arch(fields, "mine").skips is (connectivity == "ffn")
        for skips in (False, True):
            assert read_arch({**fields, "skips": skips}, "mine").skips is skips


def test_a_residual_official_block_is_the_authors():
    """LN(ReLU(Linear(mlp2(mlp1(x))) + x)) with skips in mlp1 and mlp2, written out."""
    twin = rewired(read_arch(OFFICIAL, "mine"), "ffn")
    network = initialise(build(twin), 3)
    x = network.embed(torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    for block in network.blocks:
        h = x + block.mlp1(x)
        h = h + block.mlp2(h)
        x = block.ln((block.linear(h) + x).relu())
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(images), network.classify(x))


def test_a_twin_has_its_own_grain_and_what_is_changed():
    arch = read_arch({"kind": "vit", "connectivity": "acn", "grain": "block"}, "mine")
    twin = rewired(arch, "residual", depth=3, classes=7)
    assert (twin.unit, twin.depth, twin.classes) == ("sublayer", 3, 7)
    with pytest.raises(ConfigError, match=r"residual: .*official_mixer\.connectivity"):
        rewired(read_arch(OFFICIAL, "a"), "residual")
