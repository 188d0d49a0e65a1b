"""Framing against timm's own transforms, pixel for pixel."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from acn_eval.data import Framing, Geometry
from acn_eval.errors import DataError

create_transform = pytest.importorskip("timm.data").create_transform
MEAN = (0.4, 0.5, 0.6)
SIZES = [*itertools.product((7, 31, 97), (5, 33, 64)), (300, 11), (1, 1), (20, 333)]


def pictures():
    generator = np.random.default_rng(0)
    for height, width in SIZES:
        yield generator.integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize("pct", [0.875, 0.95, 1.0, 1.15])
def test_every_pixel_is_timms(mode, pct):
    interpolation = {0.875: "bilinear", 0.95: "bicubic", 1.0: "lanczos", 1.15: "nearest"}[pct]
    theirs = create_transform(
        (3, 31, 31),
        crop_pct=pct,
        crop_mode=mode,
        interpolation=interpolation,
        mean=MEAN,
        normalize=False,
    )
    fill = tuple(round(255 * value) for value in MEAN)
    ours = Geometry(31, 3, Framing(pct, mode, interpolation, fill))
    for picture in pictures():
        assert torch.equal(ours(picture), theirs(Image.fromarray(picture))), picture.shape


def test_grey_pictures_and_batches():
    grey = np.random.default_rng(1).integers(0, 256, (5, 12, 9, 1), np.uint8)
    framing = Framing(0.9, "center", "bicubic")
    batch = Geometry(9, 1, framing).batch(grey)
    assert batch.shape == (5, 1, 9, 9)
    three = Geometry(9, 3, framing).batch(grey)
    assert all(torch.equal(three[:, channel], batch[:, 0]) for channel in range(3))
    square = grey[:, :9]
    assert not torch.equal(
        Geometry(9, 1, framing).batch(square), Geometry(9, 1).batch(square)
    )  # of the right size already, and still resized and cropped


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry(8, 1),
        Geometry(8, 3, Framing(0.9, "squash", "bicubic")),
        Geometry(8, 3, Framing(0.9, "border", "lanczos", (1, 2, 3))),
    ],
)
def test_a_record_says_how_pictures_were_prepared(geometry):
    assert Geometry.of(geometry.facts()) == geometry
    assert Geometry.of(geometry.facts(), 5).size == 5
    assert Geometry.of({"size": 8, "channels": 1}) == Geometry(8, 1)  # older records


def test_a_thin_picture_does_not_swell():
    thin = np.zeros((1, 30_000, 3), np.uint8)
    with pytest.raises(DataError, match="1 x 30000 must have at most"):
        Geometry(224, 3, Framing(0.9))(thin)
    assert Geometry(224, 3, Framing(0.9, "squash"))(thin).shape == (3, 224, 224)
