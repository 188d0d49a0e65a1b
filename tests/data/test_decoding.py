"""Pictures of any mode are read as Pillow reads them; damaged and huge ones are refused."""

import random
from fractions import Fraction

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from acn_eval.data import Geometry, open_examples
from acn_eval.data.decoding import is_turned
from acn_eval.errors import DataError
from tests.data.pictures import RNG, picture


def test_pictures_of_any_mode_and_size_are_read_as_pillow_reads_them(tmp_path):
    modes = {"RGB": "a.png", "L": "b.png", "RGBA": "c.png", "P": "d.png", "P+": "e.png"}
    modes |= {"1": "f.bmp", "CMYK": "g.jpg", "LA": "h.png"}
    for i, (mode, file) in enumerate(modes.items()):
        picture(tmp_path / "any" / file, mode, size=(8 + i, 20 - i))
    examples = open_examples(f"folder:{tmp_path}")
    for geometry in (Geometry(8, 3), Geometry(16, 1)):
        read = examples.read(np.arange(len(modes)), geometry)
        for i, file in enumerate(modes.values()):
            with Image.open(tmp_path / "any" / file) as image:
                # CMYK has no alpha to go over
                opaque = image if image.mode == "CMYK" else image.convert("RGBA")
                wanted = geometry(np.array(opaque.convert("RGB")))
            assert np.array_equal(read[i], wanted), file
    assert examples.inputs.shape() == (3, 20, 8)


def test_grey_stays_grey(tmp_path):
    path = picture(tmp_path / "a" / "x.png", "L", size=(8, 8))
    read = open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(8, 1))
    with Image.open(path) as image:
        assert np.array_equal(read[0, 0], np.array(image))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_turned_picture_is_shown_as_it_is_stored_and_counted(tmp_path, suffix):
    """As torchvision's ImageFolder and timm show it; Pillow would turn it on request."""
    path = picture(tmp_path / "ant" / f"x.{suffix}", size=(9, 7))
    with Image.open(path) as image:
        exif = image.getexif()
        exif[ExifTags.Base.Orientation] = 6
        image.save(tmp_path / "ant" / f"y.{suffix}", exif=exif)
        exif[ExifTags.Base.Orientation] = 1
        image.save(tmp_path / "ant" / f"z.{suffix}", exif=exif)
    examples = open_examples(f"folder:{tmp_path}")
    read = examples.read(np.arange(3), Geometry(8, 3))
    for i in range(3):
        with Image.open(examples.inputs.place(i)) as image:
            assert np.array_equal(read[i], Geometry(8, 3)(np.array(image.convert("RGB"))))
            assert (ImageOps.exif_transpose(image).size == (9, 7)) == (i != 1)
    assert examples.inputs.turned(np.arange(3)) == 1
    assert examples.inputs.turned(np.array([0, 2])) == 0


def test_a_picture_that_is_cut_short_is_named(tmp_path):
    path = picture(tmp_path / "ant" / "x.jpg", size=(64, 64))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match=r"x\.jpg: must be an image; image file is truncated"):
        open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(4, 1))


def test_a_broken_picture_is_named(tmp_path):
    path = picture(tmp_path / "ant" / "x.png")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=r"x\.png: must be an image"):
        open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(4, 1))


@pytest.mark.parametrize(
    "suffix", ["png", "jpg", "bmp", "webp", "ppm", "pgm", "tif", "gif", "jfif"]
)
def test_damage_is_one_line(tmp_path, suffix):
    path = picture(tmp_path / "ant" / f"x.{suffix}")
    content, shuffle, refused = path.read_bytes(), random.Random(1), 0
    for i in range(120):
        damaged = bytearray(content)
        if i % 3:
            damaged[shuffle.randrange(min(80, len(damaged)))] = shuffle.randrange(256)
        else:
            del damaged[shuffle.randrange(len(damaged) // 2) :]
        path.write_bytes(damaged)
        try:
            open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(4, 1))
        except DataError:
            refused += 1
    assert refused > 20


def test_a_picture_that_claims_to_be_huge_is_refused(tmp_path):
    path = picture(tmp_path / "ant" / "x.bmp")
    content = bytearray(path.read_bytes())
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    path.write_bytes(content)
    with pytest.raises(DataError, match="decompression bomb"):
        open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(4, 1))


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bits_become_8_as_rounding_makes_them(tmp_path, suffix):
    levels = RNG.integers(0, 2**16, (8, 8), dtype=np.uint16)
    levels[0, :4] = 0, 257, 128, 65535
    (tmp_path / "ant").mkdir()
    Image.fromarray(levels).save(tmp_path / "ant" / f"x.{suffix}")
    read = open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(8, 3))
    wanted = [round(Fraction(int(level), 257)) for level in levels.ravel()]
    assert read[0, 0].ravel().tolist() == read[0, 2].ravel().tolist() == wanted


def test_32_bits_and_fractions_are_read_where_their_white_is_known(tmp_path):
    (tmp_path / "ant").mkdir()
    levels = RNG.integers(0, 2**16, (8, 8), dtype=np.int32)

    def read(pixels):
        Image.fromarray(pixels).save(tmp_path / "ant" / "x.tif")
        return open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(8, 3))[0, 1].numpy()

    assert np.array_equal(read(levels), np.rint(levels / 257).astype(np.uint8))
    fractions = RNG.random((8, 8), dtype=np.float32)
    assert np.array_equal(read(fractions), np.rint(fractions * 255).astype(np.uint8))
    for strange, said in (
        (levels * 2 + 2**16, "gray levels must be 0 to 65535"),
        (levels - 2**16, "gray levels must be 0 to 65535"),
        (fractions * 255, "gray levels must be 0 to 1"),
        (fractions - np.float32(np.nan), "gray levels must be 0 to 1"),
    ):
        with pytest.raises(DataError, match=f"x.tif: must be an image; its {said}"):
            read(strange)


@pytest.mark.parametrize(("file", "at"), [("x.bmp", 18), ("x.bmp", 22), ("x.ppm", 3)])
def test_a_picture_without_pixels_is_named(tmp_path, file, at):
    path = picture(tmp_path / "ant" / file, size=(4, 4))
    content = bytearray(path.read_bytes())
    content[at] = ord("0") if file == "x.ppm" else 0
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"{file}: must be an image"):
        open_examples(f"folder:{tmp_path}").read(np.arange(1), Geometry(4, 1))


def test_a_thin_picture_that_would_grow_beyond_bounds_is_refused(tmp_path):
    picture(tmp_path / "ant" / "x.png", size=(30_000, 1))
    examples = open_examples(f"folder:{tmp_path}")
    assert examples.read(np.arange(1), Geometry(8, 3)).shape == (1, 3, 8, 8)
    with pytest.raises(DataError, match="1 x 30000 must have at most"):
        examples.read(np.arange(1), Geometry(224, 3))


def test_an_image_of_too_many_pixels_is_not_decoded_for_its_exif(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (9, 7)).save(tmp_path / "x.png", exif=exif)
    content = (tmp_path / "x.png").read_bytes()
    assert is_turned(content)
    monkeypatch.setattr("acn_eval.data.decoding.MOST_PIXELS", 62)
    assert not is_turned(content)
