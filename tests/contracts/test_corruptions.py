"""Every corruption that is computed on images keeps the contract; test_text.py has the others."""

from itertools import pairwise

import pytest
import torch
from pydantic import TypeAdapter
from torch.nn.functional import interpolate

from acn_eval.corruptions import (
    SHIPPED,
    AnyCorruption,
    Context,
    Corruption,
    Gaussian,
    Given,
    ImageCorruption,
    NoiseKey,
    SaltPepper,
)
from acn_eval.errors import Unsupported

MEMBERS = [m for m in SHIPPED if issubclass(m, ImageCorruption) and m is not Given]
SHAPES = [(3, 32, 32), (1, 8, 8), (3, 33, 21), (1, 5, 5)]
KEY = NoiseKey(seed=17)
# Noise is exact. What convolves or transforms may sum in another order in another batch.
EXACT = (Gaussian, SaltPepper)


def smooth_images(shape, n=16):
    """Smooth colour fields with their own contrast, in [0, 1]."""
    generator = torch.Generator().manual_seed(4)
    coarse = torch.rand(n, shape[0], 9, 9, generator=generator)
    return interpolate(coarse, shape[1:], mode="bilinear", align_corners=True)


@pytest.fixture(params=MEMBERS, ids=lambda member: member.__name__)
def corruption(request):
    return request.param()


def run(corruption, images, ids, key=KEY):
    """All levels (L, B, C, H, W), or a skip where the corruption cannot act."""
    context = Context(std=(0.25,) * images.shape[1])
    try:
        draw = corruption.draw(images.shape, ids, key)
    except Unsupported as reason:
        pytest.skip(str(reason))
    return torch.stack(
        [corruption.corrupt(images, draw, level, context) for level in corruption.levels]
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_same_image_gets_the_same_pixels_in_any_batch(corruption, shape):
    images, ids = smooth_images(shape), torch.arange(16) * 31
    whole = run(corruption, images, ids)
    assert torch.equal(run(corruption, images, ids), whole)
    order = torch.tensor([9, 3, 15, 0, 7])
    tolerance = 0.0 if isinstance(corruption, EXACT) else 1e-5
    torch.testing.assert_close(
        run(corruption, images[order], ids[order]), whole[:, order], atol=tolerance, rtol=0
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pixels_stay_in_range_and_the_input_is_left_alone(corruption, shape):
    images = smooth_images(shape)
    before = images.clone()
    out = run(corruption, images, torch.arange(16))
    assert out.shape == (len(corruption.levels), *images.shape)
    assert out.dtype == torch.float32
    assert out.min() >= 0
    assert out.max() <= 1
    assert torch.equal(images, before)


def test_a_higher_level_moves_pixels_further(corruption):
    images = smooth_images((3, 32, 32))
    distances = [(out - images).abs().mean() for out in run(corruption, images, torch.arange(16))]
    assert distances[0] > 0
    assert all(small < large for small, large in pairwise(distances))


def test_where_something_is_drawn_the_key_and_the_id_decide_it(corruption):
    shape, ids = (4, 3, 8, 8), torch.arange(4)
    draw = corruption.draw(shape, ids, KEY)
    if draw is None:
        return
    assert len(draw) == len(ids)
    for other in (
        corruption.draw(shape, ids + 4, KEY),
        corruption.draw(shape, ids, NoiseKey(seed=18)),
        corruption.draw(shape, ids, NoiseKey(seed=17, repeat=1)),
    ):
        assert not torch.equal(draw, other)


def test_conditions_are_flat_unique_and_one_per_level(corruption):
    conditions = corruption.conditions()
    assert [condition["level"] for condition in conditions] == list(corruption.levels)
    assert {condition["corruption"] for condition in conditions} == {corruption.kind}
    assert len({tuple(sorted(condition.items())) for condition in conditions}) == len(conditions)
    assert all(isinstance(v, str | int | float | bool) for c in conditions for v in c.values())


def test_round_trip_through_json(corruption):
    table: TypeAdapter[Corruption] = TypeAdapter(AnyCorruption)
    assert table.validate_json(corruption.model_dump_json()) == corruption
    assert table.validate_python({"kind": corruption.kind}) == corruption


def test_it_is_frozen_and_forbids_what_it_does_not_know(corruption):
    with pytest.raises(ValueError, match="frozen"):
        corruption.levels = (1.0,)
    with pytest.raises(ValueError, match="Extra inputs"):
        type(corruption)(severity=3)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_it_acts_or_says_why_not(corruption, channels):
    shape = (2, channels, 8, 8)
    if corruption.channels is None or channels in corruption.channels:
        corruption.check(shape)
        return
    with pytest.raises(Unsupported, match=f"{corruption.kind}: .* got {channels}"):
        corruption.draw(shape, torch.arange(2), KEY)


def test_kinds_are_unique():
    kinds = [member().kind for member in MEMBERS]
    assert len(set(kinds)) == len(kinds)
