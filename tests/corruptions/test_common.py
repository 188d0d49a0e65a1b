"""The common corruptions against independent formulas: NumPy, SciPy and Pillow."""

import io
from math import ceil

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from acn_eval.corruptions import Context, NoiseKey
from acn_eval.corruptions.common import (
    SEVERITIES,
    Brightness,
    Contrast,
    DefocusBlur,
    GaussianBlur,
    Jpeg,
    MotionBlur,
    Pixelate,
    Posterize,
    Saturation,
)

LUMA = np.array([0.299, 0.587, 0.114])[:, None, None]
LEVELS = range(1, 6)


def pictures(side=32, n=3):
    """Smooth fields of color, as photographs are: (n, 3, side, side) in [0, 1]."""
    rng = np.random.default_rng(5)
    fields = ndimage.gaussian_filter(rng.random((n, 3, side, side)), (0, 0, 3, 3), mode="wrap")
    low, high = fields.min((2, 3), keepdims=True), fields.max((2, 3), keepdims=True)
    return torch.from_numpy((fields - low) / (high - low)).to(torch.float32)


def corrupted(corruption, level, images):
    draw = corruption.draw(images.shape, torch.arange(len(images)), NoiseKey(seed=2))
    return corruption.corrupt(images, draw, level, Context()).double().numpy()


def toward(images, center, factor):
    return np.clip(center + factor * (images - center), 0, 1)


@pytest.mark.parametrize("level", LEVELS)
def test_light_and_color_are_blends(level):
    images = pictures()
    x = images.double().numpy()
    gray = (x * LUMA).sum(1, keepdims=True)
    for corruption, expected in (
        (Brightness, np.clip(x + SEVERITIES["brightness"][level - 1], 0, 1)),
        (
            Contrast,
            toward(x, gray.mean((2, 3), keepdims=True), SEVERITIES["contrast"][level - 1]),
        ),
        (Saturation, toward(x, gray, SEVERITIES["saturation"][level - 1])),
    ):
        np.testing.assert_allclose(corrupted(corruption(), level, images), expected, atol=2e-6)


@pytest.mark.parametrize("level", LEVELS)
def test_posterize_keeps_the_high_bits(level):
    stored = (pictures() * 255).round().to(torch.uint8)
    kept = 2 ** (8 - SEVERITIES["posterize"][level - 1])
    expected = (stored.numpy() // kept * kept) / 255
    np.testing.assert_allclose(corrupted(Posterize(), level, stored / 255), expected, atol=1e-6)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("side", [32, 64])
def test_gaussian_blur_is_scipys_at_any_resolution(level, side):
    images, sigma = pictures(side), SEVERITIES["gaussian_blur"][level - 1] * side / 32
    expected = ndimage.gaussian_filter(
        images.double().numpy(), (0, 0, sigma, sigma), mode="nearest", radius=ceil(3 * sigma)
    )
    np.testing.assert_allclose(corrupted(GaussianBlur(), level, images), expected, atol=1e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_defocus_blur_is_the_mean_over_a_disk(level):
    images, radius = pictures(), SEVERITIES["defocus_blur"][level - 1]
    reach = ceil(radius + 1)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disk = np.clip(radius + 1 - np.sqrt(x**2 + y**2), 0, 1)
    expected = ndimage.convolve(
        images.double().numpy(), disk[None, None] / disk.sum(), mode="nearest"
    )
    np.testing.assert_allclose(corrupted(DefocusBlur(), level, images), expected, atol=1e-5)


def test_motion_blur_spreads_a_point_along_a_stroke_of_its_length():
    point = torch.zeros(64, 1, 65, 65)
    point[:, :, 32, 32] = 1
    for level, length in enumerate(SEVERITIES["motion_blur"], start=1):
        out = corrupted(MotionBlur(), level, point)[:, 0]
        np.testing.assert_allclose(out.sum((1, 2)), 1, atol=1e-5)
        y, x = np.nonzero(out.max(0) > 0)
        half = length * 65 / 32 / 2
        assert np.hypot(y - 32, x - 32).max() <= half + 1  # the stroke and its soft rim
        spread = [np.cov(np.nonzero(one > 0)) for one in out]
        across, along = np.array([np.linalg.eigvalsh(s) for s in spread]).T
        assert (across < along).all()
        assert len({one.tobytes() for one in out}) == 64  # each image has an angle of its own


def test_pixelate_is_the_mean_over_whole_blocks():
    images = pictures(8)
    out = corrupted(Pixelate(), 3, images)  # half of each side
    blocks = images.double().numpy().reshape(3, 3, 4, 2, 4, 2).mean((3, 5))
    np.testing.assert_allclose(out, blocks.repeat(2, 2).repeat(2, 3), atol=1e-6)


@pytest.mark.parametrize("level", LEVELS)
def test_jpeg_is_close_to_pillows(level):
    images = pictures(n=1)
    stored = (images[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    quality = int(SEVERITIES["jpeg"][level - 1])
    Image.fromarray(stored).save(file, "JPEG", quality=quality, subsampling=2)
    expected = np.asarray(Image.open(file)).transpose(2, 0, 1) / 255
    assert np.abs(corrupted(Jpeg(), level, images)[0] - expected).mean() < 0.02
