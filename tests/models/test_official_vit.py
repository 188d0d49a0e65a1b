"""The authors' ViT blocks against loops that are written out."""

import pytest
import torch
from torch.nn.functional import gelu, linear
from torch.testing import assert_close

from tests.models.networks import OFFICIAL_VIT, head, network, official_attention, pictures


def padded(mlp, x):
    """The MLP with its fixed identity paths as matrices."""
    d1 = torch.zeros(mlp.fc1.out_features, mlp.fc1.in_features)
    d1[: mlp.fc1.in_features] = torch.eye(mlp.fc1.in_features)
    a = gelu(mlp.fc1(x) + linear(x, d1))
    return mlp.fc2(a) + linear(a, d1.T)


def embedded(net, images):
    """Class token first; positions are added to all tokens."""
    patches = net.embed.proj(images).flatten(2).permute(0, 2, 1)
    tokens = torch.cat([net.embed.cls_token.repeat(len(images), 1, 1), patches], 1)
    return tokens + net.embed.pos_embed


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_the_ac_vit_of_the_authors(heads):
    net = network({**OFFICIAL_VIT, "heads": heads})
    x = total = embedded(net, pictures())
    assert x.shape[1] == net.config.tokens == 5
    wanted = [head(net, total)]
    for block in net.blocks:
        h = block.attn_norm(official_attention(block.attn, block.norm1(x)))
        x = padded(block.mlp, block.norm2(h))
        total = total + x
        wanted.append(head(net, total))
    for got, reading in zip(net.exits(pictures()), wanted, strict=True):
        assert_close(got, reading, atol=2e-5, rtol=1e-5)


def test_the_residual_vit_of_the_authors():
    net = network({**OFFICIAL_VIT, "connectivity": "residual"})
    x = embedded(net, pictures())
    wanted = [head(net, x)]
    for block in net.blocks:
        x = x + official_attention(block.attn, block.norm1(x))
        x = x + block.mlp.fc2(gelu(block.mlp.fc1(block.norm2(x))))
        wanted.append(head(net, x))
    for got, reading in zip(net.exits(pictures()), wanted, strict=True):
        assert_close(got, reading, atol=2e-5, rtol=1e-5)


def test_their_base_size_is_that_of_their_table():
    """86 million parameters of the residual network; the other has 12 norms more."""
    from acn_eval.models import build, read_arch

    size = {"depth": 12, "width": 768, "hidden": 3072, "patch": 16, "image_size": 224}
    size |= {"channels": 3, "classes": 1000, "kind": "official_vit", "pool": "mean"}
    with torch.device("meta"):
        counts = {
            c: sum(
                p.numel() for p in build(read_arch({**size, "connectivity": c}, "a")).parameters()
            )
            for c in ("acn", "residual")
        }
    assert counts["residual"] == 86_567_656
    assert counts["acn"] == counts["residual"] + 12 * 2 * 768
