"""Geometry against torchvision and Pillow."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.nn.functional import interpolate

from acn_eval.data import Geometry
from acn_eval.data.folder import FileImages
from acn_eval.data.images import ArrayImages
from acn_eval.errors import DataError


def smooth(height, width, channels, seed=0):
    """A picture with large shapes; noise is the worst case of a resize."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, channels, 5, 5, generator=generator)
    picture = interpolate(coarse, (height, width), mode="bilinear", align_corners=True)[0]
    return (picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def noisy(height, width, channels, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_fits_is_left_alone(channels):
    image = noisy(9, 9, channels)
    out = Geometry(9, channels)(image)
    assert out.dtype == torch.uint8
    assert np.array_equal(out.permute(1, 2, 0), image)


SIZES = [(32, 32, 8), (32, 32, 48), (40, 60, 16), (61, 33, 20), (10, 30, 20)]


@pytest.mark.parametrize(("height", "width", "size"), SIZES)
def test_resizing_is_torchvisions_and_pillows(height, width, size):
    image = smooth(height, width, 3)
    short = min(height, width)
    new = (round(height * size / short), round(width * size / short))
    top, left = (new[0] - size) // 2, (new[1] - size) // 2
    got = Geometry(size, 3)(image).to(torch.int16)

    pil = Image.fromarray(image).resize(new[::-1], Image.Resampling.BILINEAR)
    cropped = np.array(pil)[top : top + size, left : left + size].astype(np.int16)
    assert np.abs(got.permute(1, 2, 0).numpy() - cropped).max() <= 2

    v2 = pytest.importorskip("torchvision.transforms.v2.functional")
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    resized = v2.resize(tensor, list(new), antialias=True)[:, top : top + size, left : left + size]
    assert (got - resized.to(torch.int16)).abs().max() <= 1


@given(height=st.integers(1, 40), width=st.integers(1, 40), size=st.integers(1, 40))
def test_any_picture_gets_the_size_and_stays_in_its_range(height, width, size):
    image = noisy(height, width, 1)
    out = Geometry(size, 1)(image)
    assert out.shape == (1, size, size)
    assert out.min() >= image.min()
    assert out.max() <= image.max()


def test_the_centre_is_cropped():
    image = noisy(6, 10, 3)
    assert np.array_equal(Geometry(6, 3)(image).permute(1, 2, 0), image[:, 2:8])
    image = noisy(11, 6, 3)
    assert np.array_equal(Geometry(6, 3)(image).permute(1, 2, 0), image[2:8])


def test_grey_to_colour_and_back():
    grey = noisy(5, 5, 1)
    color = Geometry(5, 3)(grey)
    assert all(np.array_equal(channel, grey[..., 0]) for channel in color)
    assert np.array_equal(Geometry(5, 1)(color.permute(1, 2, 0).numpy())[0], grey[..., 0])


def test_colour_to_grey_is_pillows_luma():
    image = noisy(16, 16, 3)
    pil = np.array(Image.fromarray(image).convert("L")).astype(int)
    assert np.abs(Geometry(16, 1)(image)[0].numpy().astype(int) - pil).max() <= 1
    primaries = np.eye(3, dtype=np.uint8)[None] * 255
    got = Geometry(1, 1)(primaries[:, :1]), Geometry(1, 1)(primaries[:, 1:2])
    assert [int(g) for g in got] == [76, 150]


def test_a_batch_is_its_pictures():
    for shape in ((3, 8, 8, 3), (3, 12, 9, 1)):
        images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        batch = Geometry(8, 3).batch(images)
        assert torch.equal(batch, torch.stack([Geometry(8, 3)(image) for image in images]))
        assert batch.is_contiguous()


def test_what_is_read_may_be_written_to():
    images = noisy(4, 4, 1)[None].repeat(2, 0)
    before = images.copy()
    for geometry in (Geometry(4, 1), Geometry(4, 3), Geometry(2, 1)):
        ArrayImages(images).read(np.arange(2), geometry).zero_()
    assert np.array_equal(images, before)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "pictures", [ArrayImages(np.empty((0, 9, 7, 3), np.uint8)), FileImages(Path(), ())]
)
def test_no_pictures_are_an_empty_batch(pictures, channels):
    """Nothing held out of a small subset is a subset too."""
    found = pictures.read(np.empty(0, np.int64), Geometry(4, channels))
    assert tuple(found.shape) == (0, channels, 4, 4)
    assert found.dtype == torch.uint8


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"size": 8},
        {"size": [], "channels": 1},
        {"size": 0, "channels": 1},
        {"size": 8, "channels": 1e308},
        {"size": 8, "channels": [1]},
    ],
)
def test_facts_of_a_damaged_record_are_no_geometry(facts):
    with pytest.raises(DataError, match="preprocessing must have a size, and 1 or 3 channels"):
        Geometry.of(facts)
