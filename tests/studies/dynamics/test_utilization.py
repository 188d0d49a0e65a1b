"""Deleted blocks against loops by hand; stable rank and CKA against their definitions."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from acn_eval.errors import Unsupported
from acn_eval.studies.dynamics.utilization import linear_cka, stable_rank, without
from tests.models.networks import (
    MIXER,
    OFFICIAL,
    OFFICIAL_VIT,
    VIT,
    head,
    network,
    pictures,
    run,
    sublayers,
)


@pytest.mark.parametrize("kind", [VIT, MIXER, OFFICIAL_VIT], ids=lambda kind: kind["kind"])
@pytest.mark.parametrize("connectivity", ["residual", "acn", "ffn", "acn_direct"])
@pytest.mark.parametrize("block", [1, 2, 3])
def test_a_deleted_block_is_skipped(kind, connectivity, block):
    net = network({**kind, "connectivity": connectivity, "pool": "mean", "branches": (1,)})
    x = total = net.embed(pictures())
    for i, each in enumerate(net.blocks, 1):
        first, second = sublayers(each)
        if i == block:
            continue
        if connectivity == "residual":
            x = x + first(x)
            x = total = x + second(x)
        else:
            x = second(first(x))
            total = x if connectivity == "ffn" else total + x
    fewer = without(net, block)
    assert fewer.config.depth == net.config.depth - 1
    assert not fewer.training
    assert_close(fewer(pictures()), head(net, total), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("skips", ["attention", "mlp", "both"])
def test_a_deleted_block_takes_its_inner_skips_along(skips):
    net = network({**VIT, "connectivity": "acn", "skips": skips})
    x = total = net.embed(pictures())
    for each in (net.blocks[0], net.blocks[2]):
        x = run(sublayers(each), x, skips)
        total = total + x
    assert_close(without(net, 2)(pictures()), head(net, total), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("skips", ["none", "both"])
def test_without_the_last_block_is_the_exit_before_it(skips):
    for fields in ({**OFFICIAL, "skips": skips}, VIT):
        net = network({**fields, "connectivity": "acn"})
        before = net.exits(pictures())
        assert torch.equal(without(net, 3)(pictures()), before[2])
        assert torch.equal(net(pictures()), before[3])  # the whole one is as it was


@pytest.mark.parametrize("connectivity", ["highway", "denseformer", "concat", "hybrid"])
def test_a_combination_with_parameters_needs_all_its_blocks(connectivity):
    with pytest.raises(Unsupported, match="a block cannot be deleted"):
        without(network({**VIT, "connectivity": connectivity}), 2)


def normal(n, width, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)) + 3.0


def test_stable_rank_from_the_eigenvalues_of_the_covariance():
    x = normal(40, 6) * np.arange(1, 7)
    eigenvalues = np.linalg.eigvalsh(np.cov(x.T))
    assert stable_rank(x) == pytest.approx(eigenvalues.sum() / eigenvalues.max(), rel=1e-9)
    assert stable_rank(np.outer(normal(40, 1), np.arange(6.0))) == pytest.approx(1)
    assert stable_rank(np.concatenate([np.eye(5), -np.eye(5)])) == pytest.approx(5)


def hsic(k, m):
    """The definition, by sums over all pairs of images (Gretton et al., 2005)."""
    n = len(k)
    centre = np.eye(n) - np.ones((n, n)) / n
    return np.trace(k @ centre @ m @ centre) / (n - 1) ** 2


def test_linear_cka_from_the_gram_matrices():
    x, y = normal(30, 6), normal(30, 4, seed=1)
    y[:, 0] += 2 * x[:, 1]
    grams = x @ x.T, y @ y.T
    wanted = hsic(*grams) / math.sqrt(hsic(grams[0], grams[0]) * hsic(grams[1], grams[1]))
    assert 0.1 < wanted < 0.9
    assert linear_cka(x, y) == pytest.approx(wanted, rel=1e-9)
    assert linear_cka(y, x) == pytest.approx(wanted, rel=1e-9)


def test_what_cka_does_not_see():
    x = normal(30, 5)
    rotation = np.linalg.qr(normal(5, 5, seed=2))[0]
    assert linear_cka(x, 7 * x @ rotation + 2) == pytest.approx(1)
    assert linear_cka(x, x * np.array([1, 1, 1, 1, 9.0])) < 0.9


def test_features_that_are_the_same_for_every_image_have_neither():
    same = np.tile(np.float32([0.1, 0.2, 0.3]).astype(np.float64), (30, 1))
    same[3] *= 1 + 1e-8
    assert math.isnan(stable_rank(same))
    assert math.isnan(linear_cka(same, normal(30, 3)))
