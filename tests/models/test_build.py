"""From fields to a network, and what is refused on the way."""

from importlib import import_module

import pytest
import torch

from acn_eval.errors import ConfigError
from acn_eval.models import ViTConfig, build, initialize, read_arch


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
        ({"kind": "official_mixer", "connectivity": "highway"}, "connectivity"),
        ({"kind": "official_mixer", "grain": "sublayer"}, "grain"),
        ({"kind": "vit", "skips": "all"}, "skips"),
        ({"kind": "vit", "connectivity": "residual", "skips": "both"}, "skips must be none"),
        ({"kind": "official_vit", "hidden": 32}, "hidden must be at least width"),
        ({"kind": "official_vit", "connectivity": "highway"}, "connectivity"),
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
    net = initialize(build(ViTConfig(depth=4, width=64, hidden=128)), 0)
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


@pytest.mark.parametrize("kind", ["official_mixer", "official_vit"])
def test_the_authors_networks_start_as_their_layers_do_in_pytorch(kind):
    arch = {"kind": kind, "depth": 4, "width": 64, "pool": "mean" if "vit" in kind else "cls"}
    net = initialize(build(read_arch(arch, "test")), 0)
    assert 0.8 < net.embed.cls_token.std() < 1.2
    for module in net.modules():
        if isinstance(module, torch.nn.LayerNorm):
            assert (module.weight == 1).all()
            assert not module.bias.any()
        elif isinstance(module, torch.nn.Linear | torch.nn.Conv1d | torch.nn.Conv2d):
            own = [p.abs().max().item() for p in module.parameters()]
            module.reset_parameters()
            torchs = [p.abs().max().item() for p in module.parameters()]
            bound = module.weight[0].numel() ** -0.5
            assert all(0.8 * bound < x <= bound for x in (own[0], torchs[0]))
            assert own[1] <= bound


def test_networks_that_differ_in_wiring_alone_start_alike():
    nets = [initialize(build(ViTConfig(connectivity=c)), 5) for c in ("residual", "acn", "ffn")]
    first, *others = [net.state_dict() for net in nets]
    for other in others:
        assert first.keys() == other.keys()
        assert all(torch.equal(first[key], other[key]) for key in first)


def test_a_network_that_no_machine_holds_is_refused_before_memory_is_taken():
    huge = ViTConfig(depth=1000, width=65_536, hidden=65_536, heads=2)
    with pytest.raises(ConfigError, match="at most 10,000,000,000 parameters"):
        build(huge)


@pytest.mark.parametrize("kind", ["vit", "mixer", "official_vit", "official_mixer"])
@pytest.mark.parametrize("depth", [0, 1, 5])
def test_parameters_are_counted_without_building_every_block(kind, depth, monkeypatch):
    arch = read_arch({"kind": kind, "depth": depth, "connectivity": "acn"}, "test")
    own = sum(parameter.numel() for parameter in build(arch).parameters())
    module = import_module("acn_eval.models.build")  # the package has a function of that name
    monkeypatch.setattr(module, "_MOST_PARAMETERS", 0)
    with pytest.raises(ConfigError, match=f"got {own:,}"):
        build(arch)
