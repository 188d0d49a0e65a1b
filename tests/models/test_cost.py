"""Costs against torch's counter, closed forms and hand counts."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from acn_eval.models import ViTConfig, build, cost, exit_costs, head_flops, read_arch
from acn_eval.tokens import Tokens


def test_closed_form_of_a_vit():
    d, h, depth, patch, classes, channels = 24, 40, 3, 4, 7, 3
    config = ViTConfig(
        depth=depth,
        width=d,
        heads=3,
        hidden=h,
        image_size=16,
        patch=patch,
        channels=channels,
        classes=classes,
    )
    patches, t = 16, 17
    pixels = channels * patch**2
    embedding = 2 * patches * pixels * d
    attention = 2 * t * d * 3 * d + 2 * t * t * d + 2 * t * t * d + 2 * t * d * d
    block = attention + 2 * (2 * t * d * h)
    head = 2 * d * classes
    in_block = (3 * d * d + 3 * d) + (d * d + d) + (d * h + h) + (h * d + d) + 4 * d
    outside = (pixels * d + d) + d + t * d + 2 * d + (d * classes + classes)
    costs = exit_costs(build(config), config.blank(1))
    assert [c.flops for c in costs] == [embedding + k * block + head for k in range(depth + 1)]
    assert [c.parameters for c in costs] == [outside + k * in_block for k in range(depth + 1)]


def mlp(*, inplace=False):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(inplace), nn.Linear(8, 2))


def test_peak_of_activations_counted_by_hand():
    """Of floats: 8 after the first layer and 8 after ReLU live together; then 8 and 2."""
    assert cost(mlp(), torch.zeros(1, 1, 4, 4)).activation_bytes == 4 * (8 + 8)
    assert cost(mlp(inplace=True), torch.zeros(1, 1, 4, 4)).activation_bytes == 4 * (8 + 2)


def test_a_skip_keeps_its_input_alive():
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 16)

        def forward(self, x):
            h = self.first(x.flatten(1))
            return h + self.second(h)

    assert cost(Skip(), torch.zeros(1, 1, 4, 4)).activation_bytes == 4 * 3 * 16


@pytest.mark.parametrize("name", ["resnet10t", "test_vit", "mixer_s32_224"])
def test_flops_of_a_foreign_network(name):
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=4).eval()
    image = torch.zeros(1, *model.default_cfg["input_size"], device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    assert cost(model, image).flops == counter.get_total_flops() > 0
    assert cost(model, image).parameters == sum(p.numel() for p in model.parameters())


def test_asking_twice_gives_the_same_and_changes_nothing():
    net = build(ViTConfig(depth=2)).train()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    image = torch.zeros(1, 1, 8, 8)
    assert cost(net, image) == cost(net, image)
    assert net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())


def test_every_further_exit_costs_its_head():
    net = build(ViTConfig(depth=2, width=32, heads=2, classes=7))
    image = torch.zeros(1, 1, 8, 8)
    assert head_flops(net, image) == 2 * 32 * 7
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.exits(image)
    assert cost(net, image).flops + 2 * head_flops(net, image) == counter.get_total_flops()


BASE = {
    "kind": "bert",
    "depth": 12,
    "width": 768,
    "heads": 12,
    "hidden": 3072,
    "positions": 512,
}


@pytest.mark.parametrize(
    ("depth", "parameters", "linear"), [(12, 109.48e6, 21.74e9), (3, 45.69e6, 5.44e9)]
)
def test_the_papers_sizes_of_bert_are_those_of_linear_layers_on_128_tokens(
    depth, parameters, linear
):
    """Its table has 110 and 46 million parameters, 21.72 and 5.44 GFLOPs."""
    with torch.device("meta"):
        net = build(read_arch({**BASE, "depth": depth}, "test"))
    spent = cost(net, Tokens.blank(1, 128).to(torch.device("meta")))
    assert spent.parameters == pytest.approx(parameters, abs=0.01e6)
    assert spent.linear_flops == pytest.approx(linear, abs=0.01e9)
    products = 2 * 2 * 128 * 128 * 768
    assert spent.flops == spent.linear_flops + depth * products


@pytest.mark.parametrize("kind", ["vit", "mixer"])
def test_linear_layers_are_all_but_attention(kind):
    config = read_arch({"kind": kind, "depth": 2}, "test")
    spent, t, d = cost(build(config).eval(), config.blank(1)), config.tokens, config.width
    products = {"vit": 2 * 2 * 2 * t * t * d, "mixer": 0}[kind]
    assert spent.flops - spent.linear_flops == products
