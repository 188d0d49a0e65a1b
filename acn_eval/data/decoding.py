"""One image file: its bytes, and uint8 pixels of them, with limits before memory is taken."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from acn_eval.errors import DAMAGED, DataError

__all__ = ["MOST_BYTES", "MOST_PIXELS", "SUFFIXES", "content_of", "decode", "is_turned"]

SUFFIXES = frozenset(
    {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp", ".gif", ".jfif"}
)
"""What torchvision's ImageFolder takes for images, and two more that Pillow reads."""
MOST_PIXELS = 89_478_485
"""Of one image: Pillow's own limit, a quarter of a gigabyte in RGB."""
_LONGEST_SIDE = 2**16 - 1  # of a JPEG; what damage makes longer would take minutes to resize
MOST_BYTES = 2**29
"""Of one encoded image."""
_WHITE = 2**16 - 1
_DAMAGED: tuple[type[Exception], ...] = (*DAMAGED, Image.DecompressionBombError)
_EXIF = (b"Exif", b"eXIf", b"EXIF")  # of JPEG, PNG and WebP; TIFF is turned by Pillow
_TURNED = range(2, 9)  # 1 is upright
# Pillow looks at the content, not at the suffix: of others, EPS would start Ghostscript.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")


def content_of(file: Path) -> bytes:
    """Return the bytes of an image file.

    Raises:
        DataError: not readable, or larger than half a gigabyte.
    """
    try:
        if file.stat().st_size > MOST_BYTES:
            got = file.stat().st_size
            raise DataError(f"{file}: must have at most {MOST_BYTES} bytes; got {got}")
        return file.read_bytes()
    except OSError as exc:
        raise DataError(f"{file}: must be a readable image; {exc.strerror}") from exc


def decode(content: bytes, place: str) -> NDArray[np.uint8]:
    """Return RGB uint8 (height, width, 3) of an encoded image; 16 bits become 8.

    Raises:
        DataError: no image, damaged, of no or too many pixels, or of numbers whose white is not
            known; names the place.
    """
    try:
        with _opened(content) as image:
            return _pixels(image)
    except UnidentifiedImageError as exc:
        raise DataError(f"{place}: must be an image; it is something else, or damaged") from exc
    except _DAMAGED as exc:
        raise DataError(f"{place}: must be an image; {exc}") from exc


def is_turned(content: bytes) -> bool:
    """Whether an encoded image says that it is to be turned or mirrored when it is shown (EXIF).

    >>> is_turned(b"no image")
    False
    """
    if not any(mark in content for mark in _EXIF):
        return False
    try:
        with _opened(content) as image:
            _require_size(image)  # Pillow decodes a PNG for its EXIF data
            turned = image.getexif().get(ExifTags.Base.Orientation) in _TURNED
            return turned and image.format != "TIFF"
    except _DAMAGED:
        return False


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow warns of and reads, it reads as ever
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            yield image


def _require_size(image: Image.Image) -> None:
    width, height = image.size
    if not 0 < width * height <= MOST_PIXELS or max(image.size) > _LONGEST_SIDE:
        most = f"{MOST_PIXELS} pixels, {_LONGEST_SIDE} a side"
        raise ValueError(f"it must have 1 to {most}; got {width} x {height}")


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    _require_size(image)
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return np.repeat(_gray(image)[..., None], 3, axis=2)
    opaque = image.convert("RGBA") if "transparency" in image.info else image
    return np.array(opaque.convert("RGB"))


def _gray(image: Image.Image) -> NDArray[np.uint8]:
    """Round 0 to white to 0 .. 255, which Pillow would clip; it reads 16 bits as 32, too."""
    levels, white = np.asarray(image), 1 if image.mode == "F" else _WHITE
    if not (levels.min() >= 0 and levels.max() <= white):  # NaN is neither
        got = f"{levels.min()} to {levels.max()}"
        raise ValueError(f"its gray levels must be 0 to {white}; got {got}")
    gray: NDArray[np.uint8] = np.rint(levels * (255 / white)).astype(np.uint8)
    return gray
