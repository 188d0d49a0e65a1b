"""What zeros would save: every multiply-add counted by hand, and none by the dense counter."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from acn_eval.models import build, cost, read_arch
from acn_eval.studies.pruning.costs import effective_flops
from acn_eval.studies.pruning.masks import apply_masks, magnitudes, masks_of, prunable
from tests.studies.pruning.test_masks import MIXER, network

IMAGE = torch.zeros(1, 1, 8, 8)


def dense(own):
    return cost(own, IMAGE).flops


def test_a_dense_network_saves_nothing():
    own = network()
    assert effective_flops(own, dense(own), IMAGE) == dense(own)


@pytest.mark.parametrize("own", [network(), build(read_arch(MIXER, "tiny"))], ids=["vit", "mixer"])
def test_without_any_weight_only_attention_and_the_head_are_left(own):
    left = dense(own)
    apply_masks(own, masks_of(magnitudes(own), 1.0))
    with FlopCounterMode(display=False) as counter:
        own(IMAGE)
    per_layer = counter.get_flop_counts()["Global"]
    by_kind = {str(kind): n for kind, n in per_layer.items()}
    head = 2 * 16 * 10
    attention = sum(n for kind, n in by_kind.items() if "attention" in kind or "bmm" in kind)
    assert effective_flops(own, left, IMAGE) == attention + head
    assert dense(own) == left  # zeros save no dense FLOPs


def test_a_weight_counts_once_per_position():
    own = nn.Sequential(nn.Conv2d(1, 3, 2, 2, bias=False), nn.Flatten(2), nn.Linear(16, 5))
    with torch.no_grad():
        own[0].weight[0, 0, 0, 0] = 0.0  # used at 4 x 4 places
        own[2].weight[1, :2] = 0.0  # each used for 3 rows
    assert effective_flops(own, 10_000, IMAGE) == 10_000 - 2 * (16 + 2 * 3)
    assert len(prunable(own)) == 2
