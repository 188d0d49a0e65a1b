"""Every architecture x connectivity x grain x pool keeps the contract of `Encoder`."""

from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from acn_eval.models import build, cost, exit_costs, initialize, read_arch
from tests.models.networks import MEMBERS, TEXT_MEMBERS, inputs, name, network


@pytest.fixture(params=[*MEMBERS, *TEXT_MEMBERS], ids=name, scope="module")
def net(request):
    return network(request.param)


@pytest.fixture
def placed(net, device):
    """The network on the device under test, and back afterwards."""
    yield net.to(device)
    net.to("cpu")


def test_exit_k_is_the_network_truncated_to_k_blocks_bit_for_bit(placed, device):
    given = inputs(placed.config).to(device)
    with torch.no_grad():
        exits = placed.exits(given)
        assert len(exits) == placed.config.depth + 1
        for k, logits in enumerate(exits):
            cut = placed.truncated(k)
            assert len(cut.blocks) == k
            assert torch.equal(logits, cut(given))
        assert torch.equal(exits[-1], placed(given))
    assert exits[0].shape == (len(given), placed.config.classes)
    assert not torch.equal(exits[-1], exits[-2])


def test_the_head_on_the_stream_reading_is_the_exit_bit_for_bit(placed, device):
    given = inputs(placed.config).to(device)
    with torch.no_grad():
        exits, readings = placed.exits(given), placed.readings(given)
        assert len(readings) == len(exits)
        for logits, reading in zip(exits, readings, strict=True):
            assert placed.config.branches or torch.equal(placed.head(reading.stream), logits)
            assert reading.block.shape == reading.stream.shape
        assert torch.equal(readings[0].block, readings[0].stream)  # both are the embedding


def without_gradient(config):
    """Names of the parameters that no gradient can reach, and why."""
    names = set()
    if config.connectivity == "acn_direct" and config.pool == "cls" and config.kind != "bert":
        # x_0 is read over the long connection alone, and there at the class token alone.
        names |= {"embed.proj.weight", "embed.proj.bias"}
    if config.kind == "official_vit":  # adds the same number to all scores of a query
        names |= {f"blocks.{i}.attn.keys.bias" for i in range(config.depth)}
    if "mixer" in config.kind and _only_norms_read_the_token_mixing(config):
        # It adds the same number to all channels of a token, and every norm takes that away.
        names |= {f"blocks.{i}.mlp1.fc2.bias" for i in range(config.depth)}
    return names


def _only_norms_read_the_token_mixing(config):
    """A projection (concat, linear) reads it too, and a gate where sub-layers are wired."""
    if config.kind == "official_mixer":
        return config.skips in ("none", "attention")
    gated = config.connectivity == "highway" and config.unit == "sublayer"
    return not gated and config.connectivity != "concat"


def test_gradients_reach_every_parameter_that_can_have_one(net):
    exact = build(net.config).double()  # so that rounding is not taken for a gradient
    exact.load_state_dict(net.state_dict())
    given = inputs(net.config)
    given = given if net.config.kind == "bert" else given.double()
    logits = torch.stack(exact.exits(given))  # branches serve earlier exits
    loss = logits.square().sum() if net.config.branches else logits[-1].square().sum()
    gradients = torch.autograd.grad(loss, list(exact.parameters()))
    keys = [key for key, _ in exact.named_parameters()]
    silent = {k for k, g in zip(keys, gradients, strict=True) if g.abs().max() < 1e-10}
    assert silent == without_gradient(net.config)
    assert all(torch.isfinite(g).all() for g in gradients)


def test_flops_and_parameters_equal_those_of_torch(net):
    given = inputs(net.config, 1)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(given)
    spent = cost(net, given)
    assert spent.flops == counter.get_total_flops()
    assert spent.parameters == sum(p.numel() for p in net.parameters())
    assert spent.activation_bytes >= 4 * net.config.tokens * net.config.width


def test_later_exits_cost_more(net):
    blank = net.config.blank(1)
    costs = exit_costs(net, blank)
    assert costs[-1] == cost(net, blank)
    assert len(costs) == net.config.depth + 1
    for earlier, later in pairwise(costs):
        assert earlier.flops < later.flops
        assert earlier.parameters < later.parameters


def test_an_example_is_answered_alike_alone_and_in_a_batch(placed, device):
    given = inputs(placed.config, 4).to(device)
    with torch.no_grad():
        alone = torch.cat([placed(given[i : i + 1]) for i in range(4)])
        torch.testing.assert_close(placed(given), alone, atol=1e-5, rtol=1e-5)


def test_initialisation_depends_on_the_seed_and_on_nothing_else(net):
    before = torch.random.get_rng_state()
    first = initialize(build(net.config), 7).state_dict()
    assert torch.equal(before, torch.random.get_rng_state())
    torch.rand(5)
    again = initialize(build(net.config), 7).state_dict()
    other = initialize(build(net.config), 8).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    drawn = "embed.words.weight" if net.config.kind == "bert" else "embed.proj.weight"
    assert not torch.equal(first[drawn], other[drawn])
    assert all(torch.isfinite(value).all() for value in first.values())


def test_its_config_survives_json(net):
    fields = net.config.model_dump(mode="json")
    assert read_arch(fields, "test") == net.config
