"""Masks: equal to torch's own pruning, nested, and exact to the weight, ties included."""

import copy
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from acn_eval.models import build, initialize, read_arch
from acn_eval.studies.pruning.masks import apply_masks, magnitudes, masks_of, prunable, zeros_in
from tests.tiny import ARCH

MIXER = {
    "kind": "mixer",
    "connectivity": "ffn",
    **{k: ARCH[k] for k in ("depth", "width", "image_size", "patch", "channels", "classes")},
}


def network(**changes):
    return initialize(build(read_arch({**ARCH, **changes}, "tiny")), 3)


def modules_of(own):
    return [(own.get_submodule(name.removesuffix(".weight")), "weight") for name in prunable(own)]


def by_torch(own, sparsity, scope):
    """The masks that torch.nn.utils.prune makes of the same network."""
    own = copy.deepcopy(own)
    pairs = modules_of(own)
    if scope == "global":
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=sparsity)
    else:
        for module, name in pairs:
            prune.l1_unstructured(module, name, amount=sparsity)
    masks = [module.weight_mask.bool() for module, _ in pairs]
    return dict(zip(prunable(network()), masks, strict=True))


def test_what_is_prunable_is_every_linear_and_convolution_layer_but_the_head():
    own = network(branches=(1,))
    names = [
        name
        for name, module in own.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d) and "head" not in name
    ]
    assert list(prunable(own)) == [f"{name}.weight" for name in names]
    assert "embed.proj.weight" in prunable(own)
    assert not [k for k in prunable(own) if "norm" in k or "head" in k or "token" in k]
    assert len(prunable(own)) == 1 + 4 * 2


@pytest.mark.parametrize("head", ["classifier", "mlm"])
def test_of_a_bert_the_matrices_of_its_blocks_alone_are_pruned(head):
    """Not the tables of words, segments and positions, nor pooler, classifier and MLM head."""
    d, hidden, depth = 16, 24, 3
    arch = {"kind": "bert", "depth": depth, "width": d, "heads": 2, "hidden": hidden}
    own = build(read_arch({**arch, "vocabulary": 50, "positions": 9, "head": head}, "tiny"))
    weights = prunable(initialize(own, 3))
    assert {name.split(".")[0] for name in weights} == {"blocks"}
    assert sum(w.numel() for w in weights.values()) == depth * (4 * d * d + 2 * d * hidden)
    before = {k: v.clone() for k, v in own.state_dict().items() if k not in weights}
    apply_masks(own, masks_of(magnitudes(own), 0.9))
    assert all(torch.equal(own.state_dict()[k], v) for k, v in before.items())


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("sparsity", [0.0, 0.2, 0.333, 0.5, 0.95, 1.0])
def test_masks_are_those_of_torch(scope, sparsity):
    own = network()
    expected = by_torch(own, sparsity, scope)
    found = masks_of(magnitudes(own), sparsity, scope=scope)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_masks_of_more_sparsity_are_nested(scope):
    scores = magnitudes(network())
    steps = [masks_of(scores, s, scope=scope) for s in (0.1, 0.4, 0.41, 0.9)]
    for less, more in pairwise(steps):
        assert all(bool((more[k] <= less[k]).all()) for k in scores)


@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=40),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_ties_are_removed_to_the_nearest_weight_and_stay_nested(values, one, other):
    scores = {"w": torch.tensor(values, dtype=torch.float32)}
    low, high = (masks_of(scores, s)["w"] for s in sorted((one, other)))
    first = sorted(range(len(values)), key=values.__getitem__)  # of equal scores the first one
    gone = first[: round(min(one, other) * len(values))]
    assert (~low).nonzero().flatten().tolist() == sorted(gone)
    assert int((~high).sum()) == round(max(one, other) * len(values))
    assert bool((high <= low).all())
    if bool(low.any()) and not bool(low.all()):
        assert scores["w"][low].min() >= scores["w"][~low].max()


def test_what_was_removed_stays_removed_whatever_its_score():
    scores = {"w": torch.tensor([3.0, 1.0, 2.0, 4.0])}
    first = masks_of(scores, 0.5)
    turned = {"w": torch.tensor([1.0, 9.0, 8.0, 2.0])}
    assert masks_of(turned, 0.75, within=first)["w"].tolist() == [False, False, False, True]


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_realised_sparsity_is_the_requested_one_to_the_nearest_weight(scope):
    own = network()
    total = sum(w.numel() for w in prunable(own).values())
    apply_masks(own, masks_of(magnitudes(own), 0.613, scope=scope))
    slack = 0.5 if scope == "global" else 0.5 * len(prunable(own))
    assert abs(zeros_in(own) * total - 0.613 * total) <= slack


def test_nothing_else_changes():
    own = network()
    before = {k: v.clone() for k, v in own.state_dict().items()}
    masks = masks_of(magnitudes(own), 0.5)
    apply_masks(own, masks)
    for name, value in own.state_dict().items():
        kept = masks.get(name, torch.ones_like(value, dtype=torch.bool))
        assert torch.equal(value, before[name] * kept)


def test_convolutions_over_tokens_are_prunable_too():
    own = build(read_arch({**MIXER, "kind": "official_mixer"}, "tiny"))
    assert any(w.dim() == 3 for w in prunable(own).values())
