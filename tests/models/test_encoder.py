"""What every encoder keeps: cut anywhere, it answers as its origin does there."""

import pytest
import torch

from acn_eval.errors import ConfigError
from acn_eval.models import MixerConfig, ViTConfig, build, read_arch


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
