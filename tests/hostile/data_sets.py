"""Makes damaged and hostile data sets, each in a folder of its own: the same for one seed."""

import io
import os
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.hostile.shards import SHARDS, damaged_shards
from tests.hostile.tables import TABLES, one_table, whole_tables

__all__ = ["DataSet", "data_sets"]

_N = 12
_PIXELS = np.random.default_rng(0).integers(0, 256, (_N, 8, 8), dtype=np.uint8)
_GOOD = {"images": _PIXELS, "labels": np.arange(_N) % 10}
_BATCHES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]
_FORMATS = {
    "png": "PNG",
    "jpg": "JPEG",
    "bmp": "BMP",
    "gif": "GIF",
    "tif": "TIFF",
    "webp": "WEBP",
    "ppm": "PPM",
    "jfif": "JPEG",
}


@dataclass(frozen=True)
class DataSet:
    """One damaged data set.

    Attributes:
        name: what is wrong with it.
        make: writes it into a folder, and returns what is given as data.
        fine: whether it may be read all the same: damage can hit a pixel.
    """

    name: str
    make: Callable[[Path], str]
    fine: bool = False


def data_sets(seed: int = 0) -> Iterator[DataSet]:
    """Yield all of them."""
    chance = random.Random(seed)
    for name, arrays in _ARRAYS.items():
        yield DataSet(f"npz of {name}", partial(_npz, {**_GOOD, **arrays}))
    for name, members in _MEMBERS.items():
        yield DataSet(f"npz with {name}", partial(_packed, members))
    yield from _damaged(chance)
    for name, (suffix, content) in _CONTENTS.items():
        yield DataSet(f"a picture that is {name}", partial(_pictures, suffix, content))
    for name, make in _PLACES.items():
        yield DataSet(name, make)
    for name, make, fine in damaged_shards(_picture("png"), chance):
        yield DataSet(name, make, fine)
    for name, content in _BATCH.items():
        yield DataSet(f"CIFAR-10 with {name}", partial(_cifar, content))


def _damaged(chance: random.Random) -> Iterator[DataSet]:
    for write in (np.savez, np.savez_compressed):
        yield from _damaged_archives(write, chance)
    for suffix in _FORMATS:
        yield from _damaged_pictures(suffix, chance)
    for kind, whole in whole_tables(_PIXELS, _GOOD["labels"]).items():
        yield from _damaged_table(kind, whole, chance)


def _damaged_archives(write: Callable[..., None], chance: random.Random) -> Iterator[DataSet]:
    whole, kind = _bytes_of(write), write.__name__
    for i in range(6):
        cut = whole[: chance.randrange(len(whole) - 30)]
        yield DataSet(f"{kind} cut {i}", partial(_file, "set.npz", cut))
    for i in range(15):
        flipped = _flipped(whole, chance, len(whole))
        yield DataSet(f"{kind} flipped {i}", partial(_file, "set.npz", flipped), fine=True)


def _damaged_table(kind: str, whole: bytes, chance: random.Random) -> Iterator[DataSet]:
    for i in range(6):
        cut = whole[: chance.randrange(len(whole) - 100)]
        yield DataSet(f"{kind} cut {i}", partial(one_table, kind, cut), fine=kind == "arrow")
    for i in range(30):
        flipped = _flipped(whole, chance, len(whole))
        yield DataSet(f"{kind} flipped {i}", partial(one_table, kind, flipped), fine=True)


def _damaged_pictures(suffix: str, chance: random.Random) -> Iterator[DataSet]:
    whole = _picture(suffix)
    for i in range(3):
        cut = whole[: chance.randrange(len(whole) // 2)]
        yield DataSet(f"{suffix} cut {i}", partial(_pictures, suffix, cut), fine=suffix == "tif")
    for i in range(4):
        flipped = _flipped(whole, chance, min(100, len(whole)))
        yield DataSet(f"{suffix} flipped {i}", partial(_pictures, suffix, flipped), fine=True)


def _bytes_of(write: Callable[..., None]) -> bytes:
    stream = io.BytesIO()
    write(stream, **_GOOD)
    return stream.getvalue()


def _flipped(whole: bytes, chance: random.Random, within: int) -> bytes:
    content = bytearray(whole)
    for _ in range(chance.randint(1, 3)):
        content[chance.randrange(within)] ^= 1 << chance.randrange(8)
    return bytes(content)


def _file(name: str, content: bytes, folder: Path) -> str:
    (folder / name).write_bytes(content)
    return f"npz:{folder / name}"


def _npz(arrays: dict[str, Any], folder: Path) -> str:
    given = {name: array for name, array in arrays.items() if array is not None}
    np.savez(folder / "set.npz", **given)
    return f"npz:{folder / 'set.npz'}"


def _member(shape: object, descr: object = "|u1", body: bytes = b"") -> bytes:
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def _packed(members: dict[str, bytes], folder: Path) -> str:
    kind = {"bz2": zipfile.ZIP_BZIP2, "lzma": zipfile.ZIP_LZMA}.get(
        next(iter(members)), zipfile.ZIP_DEFLATED
    )
    with zipfile.ZipFile(folder / "set.npz", "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return f"npz:{folder / 'set.npz'}"


def _picture(suffix: str, mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.stack([_PIXELS[0]] * 3, -1)).convert(mode).save(stream, _FORMATS[suffix])
    return stream.getvalue()


def _pictures(suffix: str, content: bytes, folder: Path) -> str:
    for digit in range(10):
        (folder / "set" / str(digit)).mkdir(parents=True)
    (folder / "set" / "3" / "good.png").write_bytes(_picture("png"))
    (folder / "set" / "4" / f"bad.{suffix}").write_bytes(content)
    return f"folder:{folder / 'set'}"


def _cifar(content: dict[str, Any], folder: Path) -> str:
    base = folder / "cifar-10-batches-py"
    base.mkdir()
    for name in _BATCHES:
        made = content.get(name, content.get("all", b"x" * 100))
        if made == "pipe":
            os.mkfifo(base / name)
        elif made == "folder":
            (base / name).mkdir()
        elif made == "link":
            (base / name).symlink_to(folder / "nowhere")
        elif made == "endless":
            (base / name).touch()
            os.truncate(base / name, 2**40)
        elif made is not None:
            (base / name).write_bytes(made)
    return "cifar10"


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("it-was-run",)


def _header(suffix: str, at: int, value: bytes) -> bytes:
    content = bytearray(_picture(suffix))
    content[at : at + len(value)] = value
    return bytes(content)


def _link(name: str, target: str, scheme: str, folder: Path) -> str:
    (folder / name).symlink_to(target)
    return f"{scheme}:{folder / name}"


def _pipe(name: str, scheme: str, folder: Path) -> str:
    os.mkfifo(folder / name)
    return f"{scheme}:{folder / name}"


def _named(name: str, folder: Path) -> str:
    (Path(folder, "set") / name).mkdir(parents=True)
    (Path(folder, "set") / name / "x.png").write_bytes(_picture("png"))
    return f"folder:{folder / 'set'}"


def _only(kind: str, folder: Path) -> str:
    inside = folder / "set" / "0"
    inside.mkdir(parents=True)
    if kind == "pipe":
        os.mkfifo(inside / "x.png")
    elif kind == "link":
        (inside / "x.png").symlink_to("nowhere")
    elif kind == "itself":
        (inside / "x.png").symlink_to("x.png")
    elif kind == "loop":
        (inside / "again").symlink_to(folder / "set")
    elif kind == "folder":
        (inside / "x.png").mkdir()
    elif kind == "endless":
        (inside / "x.png").touch()
        os.truncate(inside / "x.png", 2**40)
    elif kind == "other":
        (inside / "x.txt").write_text("x")
    return f"folder:{folder / 'set'}"


def _said(name: str, folder: Path) -> str:
    return name


_FOUR = _member((4,), "<i8", np.arange(4).tobytes())
_SMALL = _member((4, 8, 8), "|u1", b"1" * 256)
_ARRAYS: dict[str, dict[str, Any]] = {
    **{
        f"{kind} images": {"images": _PIXELS.astype(kind)}
        for kind in ("i1", "u2", "i8", "f2", "f4", "f8", "c8", "?", "M8[s]", "S3", "U3", "V4", "O")
    },
    **{
        f"{kind} labels": {"labels": _GOOD["labels"].astype(kind)}
        for kind in ("f4", "f8", "c16", "?", "m8[s]", "S2", "U2", "V8", "O")
    },
    **{
        f"a label of {value}": {"labels": np.where(_GOOD["labels"], 0, value).astype(kind)}
        for value, kind in (
            (-1, "i8"),
            (2**31, "i8"),
            (2**62, "i8"),
            (-(2**63), "i8"),
            (10**6, "i4"),
        )
    },
    "labels of 2**64 - 1": {"labels": np.full(_N, 2**64 - 1, np.uint64)},
    "labels that are NaN": {"labels": np.full(_N, np.nan)},
    **{
        f"images of shape {shape}": {"images": np.zeros(shape, np.uint8)}
        for shape in (
            (0, 8, 8),
            (_N, 0, 8),
            (_N, 8, 0, 3),
            (_N, 8, 8, 2),
            (_N, 8),
            (_N,),
            (),
            (_N, 1, 8, 8, 1),
        )
    },
    **{
        f"labels of shape {np.shape(labels)}": {"labels": labels}
        for labels in (np.zeros(0, int), np.zeros(11, int), np.zeros((_N, 1), int), np.int64(3))
    },
    "no images": {"images": None},
    "no labels": {"labels": None},
    "ids that are the same": {"ids": np.zeros(_N, int)},
    "ids that are fractions": {"ids": np.arange(_N) / 2},
    "ids beyond 64 bits": {"ids": np.arange(_N, dtype=np.uint64) + 2**63},
    "classes that are the same": {"classes": np.array(["a"] * 10)},
    "too few classes": {"classes": np.array(["a", "b"])},
    "classes of bytes": {"classes": np.array([bytes([200 + i]) for i in range(10)])},
    "classes of surrogates": {"classes": np.array([chr(0xD800 + i) for i in range(10)])},
    "classes of no letters": {"classes": np.frombuffer(b"\xff" * 40, "U1")},
    "classes of objects": {"classes": np.array([_Evil()] * 10, dtype=object)},
    "classes of fractions": {"classes": np.arange(10) / 3},
    "classes without end": {"classes": np.array(["x" * 10**6, *"abcdefghi"])},
    "classes of another kind": {"classes": np.array(list("abcdefghij")), "labels": None},
}
_MEMBERS = {
    "images of 300 GB": {"images": _member((10**5, 1000, 1000, 3)), "labels": _FOUR},
    "images of 10**30": {"images": _member((10**30, 8, 8)), "labels": _FOUR},
    "images of a negative length": {"images": _member((-4, 8, 8)), "labels": _FOUR},
    "a shape of strings": {"images": _member(("4", 8, 8)), "labels": _FOUR},
    "a shape that is nested": {"images": _member("(" * 4000 + ")" * 4000), "labels": _FOUR},
    "a type that is nested": {"images": _member((4,), [("a", [("b", "O")])]), "labels": _FOUR},
    "a type of 2 GB": {"images": _member((4,), "|V2000000000"), "labels": _FOUR},
    "objects": {"images": _member((4,), "|O", b"cos\nsystem\n(S'true'\ntR."), "labels": _FOUR},
    "labels of 8 TB": {"images": _SMALL, "labels": _member((10**12,), "<i8")},
    "classes of 32 TB": {"images": _SMALL, "labels": _FOUR, "classes": _member((10**12,), "<U8")},
    "ids of 8 TB": {"images": _SMALL, "labels": _FOUR, "ids": _member((10**12,), "<i8")},
    "nothing": {"images": b"", "labels": b""},
    "no magic": {"images": b"x" * 100, "labels": _FOUR},
    "a version of 9": {"images": b"\x93NUMPY\x09\x00" + b"x" * 100, "labels": _FOUR},
    "a header of 64 kB": {"images": b"\x93NUMPY\x01\x00\xff\xff" + b" " * 65535, "labels": _FOUR},
    "a body that is short": {"images": _member((4, 800, 800)), "labels": _FOUR},
    "a bomb of 0.6 GB": {"images": _member((9_000_000, 1, 1), "|u1", bytes(9_000_000))}
    | {"labels": _member((9_000_000,), "|u1", bytes(9_000_000))},
    "BZIP2": {"bz2": b"", "images": _SMALL, "labels": _FOUR},
    "LZMA": {"lzma": b"", "images": _SMALL, "labels": _FOUR},
    "9,000 members": {f"{i:0120}": b"" for i in range(9000)},
    "other names": {"x_test": _SMALL, "y_test": _FOUR},
}
_CONTENTS = {
    "empty": ("png", b""),
    "text": ("png", b"hello"),
    "EPS": ("png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n"),
    "SVG": ("png", b"<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>"),
    "60,000 x 60,000, a bmp": ("bmp", _header("bmp", 18, (60_000).to_bytes(4, "little") * 2)),
    "2**31 wide, a bmp": ("bmp", _header("bmp", 18, (2**31 - 1).to_bytes(4, "little"))),
    "of no width, a bmp": ("bmp", _header("bmp", 18, bytes(4))),
    "of no height, a bmp": ("bmp", _header("bmp", 22, bytes(4))),
    "of no width, a png": ("png", _header("png", 16, bytes(4))),
    "2**31 wide, a png": ("png", _header("png", 16, (2**31 - 1).to_bytes(4, "big"))),
    "of no pixels, a ppm": ("ppm", b"P6\n0 0\n255\n"),
    "large, a ppm": ("ppm", b"P6\n50000 50000\n255\n"),
    "of 5,000 digits, a ppm": ("ppm", b"P6\n" + b"9" * 5000 + b" 8\n255\n"),
    "of negative width, a ppm": ("ppm", b"P6\n-8 8\n255\n" + b"1" * 192),
    "of half a line, a ppm": ("ppm", b"P6\n8 8\n255\n" + b"1" * 12),
}
_PLACES: dict[str, Callable[[Path], str]] = {
    "an npz that is empty": partial(_file, "set.npz", b""),
    "an npz that is text": partial(_file, "set.npz", b"images"),
    "an npz that is zeros": partial(_file, "set.npz", bytes(10**6)),
    "an npz that is a pipe": partial(_pipe, "set.npz", "npz"),
    "an npz that is a dangling link": partial(_link, "set.npz", "nowhere", "npz"),
    "an npz that is a link to itself": partial(_link, "set.npz", "set.npz", "npz"),
    "an npz that is endless": partial(_link, "set.npz", "/dev/zero", "npz"),
    "a folder that is a pipe": partial(_pipe, "set", "folder"),
    "a folder that is a dangling link": partial(_link, "set", "nowhere", "folder"),
    "a folder that is a device": partial(_link, "set", "/dev/zero", "folder"),
    **TABLES,
    **SHARDS,
    "a folder of no UTF-8": partial(_named, os.fsdecode(b"caf\xe9")),
    **{
        f"a folder with {kind} alone": partial(_only, kind)
        for kind in ("pipe", "link", "itself", "loop", "folder", "endless", "other", "nothing")
    },
    **{
        f"data called {name[:20]!a}": partial(_said, name)
        for name in (
            "npz:" + "x/" * 3000,
            "folder:" + "x" * 300,
            "folder:" + "y/" * 3000,
            "npz:a\0b",
            "folder:a\0b",
            "npz:\udcff",
            "folder:\udcff",
            "\udcff",
            "x" * 10**5,
            "npz:",
            "folder:",
            ":",
            "digits:x",
            "folder:\x1b[31m",
            "npz:\n\n",
        )
    },
}
_BATCH: dict[str, dict[str, Any]] = {
    "strange bytes": {},
    "empty files": {"all": b""},
    "no files": {"all": None},
    "a pipe": {"test_batch": "pipe"},
    "a folder": {"test_batch": "folder"},
    "a dangling link": {"batches.meta": "link"},
    "an endless file": {"data_batch_3": "endless"},
    "a pickle that runs": {"all": b"cos\nmkdir\n(S'it-was-run'\ntR."},
    "no list of classes": {"batches.meta": None},
}
