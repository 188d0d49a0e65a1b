"""Structured pruning: what is left is the network with those units silenced, and nothing else."""

import copy
import sys
from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from acn_eval.errors import MissingExtra
from acn_eval.models import build, read_arch
from acn_eval.studies.pruning.masks import prunable, zeros_in
from acn_eval.studies.pruning.structured import hidden_share, importances, narrowed, tied, widths
from tests.models.networks import (
    MASKED_MEMBERS,
    MEMBERS,
    SIZES,
    TEXT_MEMBERS,
    VIT,
    inputs,
    name,
    network,
    pictures,
)

VIT_KEPT, MIXER_KEPT = {"hidden": 9}, {"token_hidden": 3, "channel_hidden": 11}
PAIRS = [
    {**fields, **SIZES, "connectivity": connectivity}
    for fields in (VIT, {"kind": "mixer", "token_hidden": 7, "channel_hidden": 20})
    for connectivity in ("acn", "residual")
]
TOKENS = (8 // SIZES["patch"]) ** 2 + 1


def kept_of(own):
    return MIXER_KEPT if "mixer" in own.config.kind else VIT_KEPT


def mlps(own):
    """(units to keep, first layer, second layer) of every MLP, written out again."""
    for block in own.blocks:
        if "mixer" not in own.config.kind:
            yield VIT_KEPT["hidden"], block.mlp.fc1, block.mlp.fc2
        else:
            yield MIXER_KEPT["token_hidden"], block.mlp1.fc1, block.mlp1.fc2
            yield MIXER_KEPT["channel_hidden"], block.mlp2.fc1, block.mlp2.fc2


def norms(first, second):
    """The mean of the sums of squares of what goes into a unit and of what comes out."""
    into, out = (w.detach().double().flatten(1) for w in (first.weight, second.weight))
    rows, columns = into.tolist(), out.T.tolist()
    return [
        (sum(w * w for w in a) + sum(w * w for w in b)) / 2
        for a, b in zip(rows, columns, strict=True)
    ]


FREE = [fields for fields in MEMBERS if not tied(network(fields))]
TEXT = [TEXT_MEMBERS[0], TEXT_MEMBERS[1], MASKED_MEMBERS[0]]


@pytest.fixture(params=[*FREE, *TEXT], ids=name)
def net(request):
    return network(request.param)


def test_units_of_the_official_ac_vit_are_tied_to_channels():
    """All other networks have units that nothing else reads: the tests below are about them."""
    kinds = {(m["kind"], m["connectivity"]) for m in MEMBERS if m not in FREE}
    assert kinds == {("official_vit", "acn"), ("official_vit", "acn_direct")}


def test_importance_is_the_norm_of_the_group_by_hand(net):
    found = importances(net)
    expected = [norms(first, second) for _, first, second in mlps(net)]
    assert len(found) == len(expected)
    for score, by_hand in zip(found.values(), expected, strict=True):
        assert score.tolist() == pytest.approx(by_hand, rel=1e-5)


def test_what_is_left_answers_as_the_whole_network_with_silenced_units(net):
    """At every exit, under every connectivity: a unit without weights out of it says nothing."""
    small, before = (
        narrowed(net, kept_of(net)),
        {k: v.clone() for k, v in net.state_dict().items()},
    )
    silenced = copy.deepcopy(net)
    with torch.no_grad():
        for units, first, second in mlps(silenced):
            lowest = sorted(range(len(first.weight)), key=norms(first, second).__getitem__)
            second.weight[:, lowest[: len(lowest) - units]] = 0
        given = inputs(net.config)
        for ours, theirs in zip(small.exits(given), silenced.exits(given), strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)
        assert not torch.allclose(small(given), net(given), rtol=1e-4, atol=1e-4)
    assert all(torch.equal(value, before[k]) for k, value in net.state_dict().items())
    assert not small.training


@pytest.mark.parametrize("fields", PAIRS, ids=name)
def test_what_is_left_is_a_network_of_its_config(fields):
    net = network(fields)
    small = narrowed(net, kept_of(net))
    assert small.config == net.config.model_copy(update=kept_of(net))
    again = build(read_arch(small.config.model_dump(), "again"))
    again.load_state_dict(small.state_dict())
    assert torch.equal(again.eval()(pictures()), small(pictures()))


@pytest.mark.parametrize("fields", PAIRS, ids=name)
def test_parameters_and_flops_fall_by_what_a_unit_costs(fields):
    own = network(fields)
    small = narrowed(own, kept_of(own))
    width, depth = SIZES["width"], SIZES["depth"]
    if own.config.kind == "vit":
        parameters, flops = (20 - 9) * (2 * width + 1), (20 - 9) * 2 * 2 * width * TOKENS
    else:
        parameters = (7 - 3) * (2 * TOKENS + 1) + (20 - 11) * (2 * width + 1)
        flops = 2 * 2 * ((7 - 3) * TOKENS * width + (20 - 11) * width * TOKENS)
    assert count(own) - count(small) == depth * parameters
    assert counted(own) - counted(small) == depth * flops


def count(own):
    return sum(p.numel() for p in own.parameters())


def counted(own):
    with FlopCounterMode(display=False) as counter:
        own(pictures(1))
    return counter.get_total_flops()


@pytest.mark.parametrize("fields", PAIRS, ids=name)
def test_fewer_units_are_a_part_of_more(fields):
    own = network(fields)
    sparsities = (0.0, 0.15, 0.2, 0.35, 0.39)
    found = [narrowed(own, widths(own, s)) for s in sparsities]
    for more, less in pairwise(found):
        for (_, wide, _), (_, narrow, _) in zip(mlps(more), mlps(less), strict=True):
            rows = {tuple(row.flatten().tolist()) for row in wide.weight}
            assert {tuple(row.flatten().tolist()) for row in narrow.weight} <= rows
    assert torch.equal(found[0](pictures()), own(pictures()))
    assert count(found[-1]) < count(found[1]) < count(own)


def test_of_equally_important_units_the_first_goes_first():
    own = network(PAIRS[0])
    with torch.no_grad():
        for _, first, second in mlps(own):
            first.weight.fill_(0.1)
            second.weight.fill_(0.1)
            first.bias.copy_(torch.arange(20.0))
    for _, first, _ in mlps(narrowed(own, VIT_KEPT)):
        assert first.bias.tolist() == list(range(11, 20))


@pytest.mark.parametrize("fields", PAIRS, ids=name)
@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.25, 0.3])
def test_the_sparsity_is_a_share_of_all_prunable_weights_to_the_nearest_unit(fields, sparsity):
    own = network(fields)
    total = sum(w.numel() for w in prunable(own).values())
    small = narrowed(own, widths(own, sparsity))
    gone = total - sum(w.numel() for w in prunable(small).values())
    assert zeros_in(small, own) == gone / total
    units = sum(
        first.weight[0].numel() + second.weight[:, 0].numel() for _, first, second in mlps(own)
    )
    assert abs(gone - sparsity * total) <= 0.5 * units + 1e-6


def test_hidden_units_have_a_share_of_the_weights_and_one_is_always_left():
    own = network(PAIRS[0])
    inside = 3 * 2 * 12 * 20
    attention, patches = 3 * 4 * 12 * 12, 12 * 16
    assert hidden_share(own) == inside / (inside + attention + patches)
    assert widths(own, hidden_share(own) - 1e-6) == {"hidden": 1}


def test_a_network_on_another_device_and_in_half_stays_there(device):
    own = network(PAIRS[0]).to(device).half()
    small = narrowed(own, VIT_KEPT)
    assert {(p.device, p.dtype) for p in small.parameters()} == {
        (p.device, torch.float16) for p in own.parameters()
    }


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    with pytest.raises(MissingExtra) as caught:
        narrowed(network(PAIRS[0]), VIT_KEPT)
    assert str(caught.value) == (
        "structured pruning by torch-pruning: needs structured; pip install 'acn-eval[structured]'"
    )
