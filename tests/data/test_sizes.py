"""How large images are, as Pillow says, whatever they are stored in."""

import numpy as np
import pytest
from PIL import Image

from acn_eval.data import open_examples
from acn_eval.data.sizes import sizes_of
from acn_eval.errors import DataError


@pytest.fixture
def pictures(tmp_path):
    """Files of four sizes; the median short side is 9, and one of them has color."""
    random = np.random.default_rng(0)
    for i, (width, height) in enumerate([(7, 30), (20, 9), (9, 9), (40, 41)]):
        folder = tmp_path / "train" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (height, width), np.uint8)
        Image.fromarray(pixels).convert("RGB").save(folder / f"{i}.png")
    return tmp_path


def test_files_are_measured_as_they_are_stored(pictures):
    found = sizes_of(open_examples(f"folder:{pictures}", "train"))
    assert (found.smallest, found.largest) == ((9, 9), (40, 41))
    assert found.short == 9
    assert found.gray


def test_one_image_with_color_is_enough(pictures):
    Image.new("RGB", (12, 12), (10, 10, 11)).save(pictures / "train" / "a" / "9.png")
    assert not sizes_of(open_examples(f"folder:{pictures}", "train")).gray


@pytest.mark.parametrize(("shape", "gray"), [((6, 5, 8), True), ((6, 5, 8, 3), False)])
def test_arrays_are_measured_too(tmp_path, shape, gray):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(6) % 2)
    found = sizes_of(open_examples(f"npz:{tmp_path / 'a.npz'}"))
    assert (found.smallest, found.largest, found.short, found.gray) == ((8, 5), (8, 5), 5, gray)


def test_of_many_images_a_sample_is_measured():
    digits = open_examples("digits", "train")
    assert sizes_of(digits, sample=3) == sizes_of(digits)


def test_sentences_have_no_size():
    with pytest.raises(DataError, match="must hold images"):
        sizes_of(open_examples("synthetic-sentences", "train"))
