"""Spread at every exit against sums that are written out in NumPy."""

import math

import numpy as np
import pytest
import torch

from acn_eval.inference.spread import spreads
from acn_eval.models import Boundary, read_arch
from acn_eval.tokens import Tokens
from tests.models.networks import MEMBERS, TEXT_MEMBERS, inputs, name, network, pictures


def by_hand(x, added, y, last, there=None):
    """Loops over images and the tokens that are there, from the definitions."""
    there = np.ones(x.shape[:2], bool) if there is None else there
    places = list(zip(*np.nonzero(there), strict=True))
    square = np.mean([x[i, t] @ x[i, t] for i, t in places])
    over_tokens = [x[i, t] - x[i, there[i]].mean(0) for i, t in places]
    over_images = [x[i, t] - x[there[:, t], t].mean(0) for i, t in places]
    singular = np.linalg.svd(y - y.mean(0), compute_uv=False)
    p = singular[singular > 1e-9 * singular[0]] / singular.sum()
    norms = np.linalg.norm(added, axis=1)
    lengths = np.linalg.norm(last, axis=1)
    return (
        np.mean([v @ v for v in over_tokens]) / square,
        np.mean([v @ v for v in over_images]) / square,
        np.exp(-(p * np.log(p)).sum()) if singular[0] > 1e-9 * np.linalg.norm(y) else 0.0,
        np.mean(norms / lengths),
        np.mean((added * last).sum(1) / norms / lengths),
    )


@pytest.mark.parametrize("fields", MEMBERS, ids=name)
def test_spreads_are_those_of_the_definitions_in_any_batches(fields):
    net, images = network(fields), pictures(7)
    with torch.no_grad():
        found = [[b.double().numpy() for b in boundary[:2]] for boundary in net.boundaries(images)]
        assert len(found) == net.config.depth + 1
        for (_, readout), stream in zip(found, net.streams(images), strict=True):
            whole = stream.double().numpy()
            pooled = whole[:, 0] if net.config.pool == "cls" else whole.mean(1)
            np.testing.assert_allclose(readout, pooled, rtol=1e-5, atol=1e-5)
    last, before = found[-1][1], 0.0
    for parts in ((7,), (3, 4)):
        got = spreads(net.boundaries(part) for part in images.split(parts))
        before = 0.0
        for spread, (x, y) in zip(got, found, strict=True):
            wanted = by_hand(x, y - before, y, last)
            own = (spread.tokens, spread.images, spread.rank, spread.norm, spread.cosine)
            np.testing.assert_allclose(own, wanted, rtol=1e-4, atol=1e-6)
            before = y


@pytest.mark.parametrize("fields", TEXT_MEMBERS[:2], ids=name)
def test_padding_is_in_no_spread(fields):
    """Whole, and in batches of which the second is shorter."""
    net, given = network(fields), inputs(read_arch(fields, "test"), 7)
    there = given.mask.numpy()
    with torch.no_grad():
        found = [[b.double().numpy() for b in boundary[:2]] for boundary in net.boundaries(given)]
    long, short = given[:3], given[3:]
    width = int(short.mask.sum(1).max())
    short = Tokens(short.ids[:, :width], short.mask[:, :width], short.segments[:, :width])
    assert width < given.ids.shape[1]
    for parts in ((given,), (long, short), (short, long)):
        before = 0.0
        for spread, (x, y) in zip(spreads(map(net.boundaries, parts)), found, strict=True):
            wanted = by_hand(x, y - before, y, found[-1][1], there)
            own = (spread.tokens, spread.images, spread.rank, spread.norm, spread.cosine)
            np.testing.assert_allclose(own, wanted, rtol=1e-4, atol=1e-6)
            before = y


def test_what_is_constant_has_share_0():
    """Tokens alike in every image; then images alike; then both."""
    free, tokens = torch.randn(5, 4, 3), torch.randn(1, 4, 3)
    same_tokens, same_images = free[:, :1].expand(5, 4, 3), tokens.expand(5, 4, 3)
    same = free[:1, :1].expand(5, 4, 3)
    found = [
        spreads([[Boundary(x, x[:, 0])]])[0]
        for x in (free, same_tokens, same_images, same, 0 * same)
    ]
    assert [s.tokens > 1e-3 for s in found] == [True, False, True, False, False]
    assert [s.images > 1e-3 for s in found] == [True, True, False, False, False]
    assert [s.rank > 0 for s in found] == [True, True, False, False, False]
    assert all(s.tokens < 1e-12 for s in found[1::2])
    assert all(0 <= s.images < 1e-12 for s in found[2:])


def test_the_effective_rank_of_equal_directions_is_their_number():
    axes = torch.cat([torch.eye(6), -torch.eye(6)])[:, None]
    (found,) = spreads([[Boundary(axes, axes[:, 0])]])
    assert found.rank == pytest.approx(6)


def test_one_token_cannot_differ_from_another_and_what_is_not_finite_has_no_rank():
    (alone,) = spreads([[Boundary(torch.randn(5, 1, 3), torch.full((5, 3), torch.nan))]])
    assert math.isnan(alone.tokens)
    assert alone.images > 0.1
    assert math.isnan(alone.rank)


def test_one_image_cannot_differ_from_another():
    (alone,) = spreads([[Boundary(torch.randn(1, 4, 3), torch.randn(1, 3))]])
    assert math.isnan(alone.images)
    assert math.isnan(alone.rank)
    assert alone.tokens > 0.1


@pytest.mark.parametrize("lost", [math.inf, math.nan])
def test_what_is_not_finite_is_not_constant(lost):
    x = torch.randn(5, 4, 3)
    x[2, 1] = lost
    (found,) = spreads([[Boundary(x, x[:, 1])]])
    assert [math.isnan(v) for v in (found.tokens, found.images, found.rank)] == [True] * 3
