"""Hostile shards: what lies where a tar file of labeled images should be."""

import io
import os
import random
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

__all__ = ["SHARDS", "damaged_shards"]

Members = list[tuple[tarfile.TarInfo, bytes]]


def damaged_shards(
    picture: bytes, chance: random.Random
) -> Iterator[tuple[str, Callable[[Path], str], bool]]:
    """Yield a name, what makes it, and whether it may be read all the same."""
    whole = _packed([_file(f"{i}.{e}", c) for i in range(9) for e, c in _pair(picture, i)])
    for i in range(6):
        cut = whole[: chance.randrange(len(whole) - 10240)]
        yield f"shard cut {i}", partial(_shard, cut), False
    for i in range(30):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            content[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        yield f"shard flipped {i}", partial(_shard, bytes(content)), True


def _pair(picture: bytes, label: int) -> tuple[tuple[str, bytes], ...]:
    return ("png", picture), ("cls", str(label).encode())


def _file(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, size: int | None = None):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(content) if size is None else size, ""
    return info, content


def _packed(members: Members, **options: object) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", **options) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content) if content else None)
    return stream.getvalue()


def _shard(content: bytes, folder: Path) -> str:
    (folder / "x.tar").write_bytes(content)
    return f"wds:{folder / 'x.tar'}"


def _endless(info: tarfile.TarInfo, folder: Path) -> str:
    """A header, and then a terabyte of nothing."""
    path = folder / "x.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT))
    os.truncate(path, 2**40)
    return f"wds:{path}"


def _link(kind: bytes, target: str, folder: Path) -> str:
    info, _ = _file("a.png", kind=kind)
    info.linkname = target
    return _shard(_packed([(info, b""), _file("a.cls", b"0")]), folder)


def _place(kind: str, folder: Path) -> str:
    if kind == "a pipe":
        os.mkfifo(folder / "x.tar")
    elif kind == "a folder":
        (folder / "x.tar").mkdir()
    else:
        (folder / "x.tar").symlink_to("/dev/zero" if kind == "a device" else "nowhere")
    return f"wds:{folder / 'x.tar'}"


def _said(name: str, folder: Path) -> str:
    return f"wds:{folder}/{name}"


def _pax(records: dict[str, str], folder: Path) -> str:
    info, _ = _file("a.png", b"x")
    info.pax_headers = records
    members = [(info, b"x"), _file("a.cls", b"0")]
    return _shard(_packed(members, format=tarfile.PAX_FORMAT), folder)


def _long_chain(folder: Path) -> str:
    info, _ = _file("x", kind=tarfile.GNUTYPE_LONGNAME)
    return _shard(info.tobuf(tarfile.GNU_FORMAT) * 20_000, folder)


_LABELS = {
    "nested JSON": ("json", b"[" * 10**5),
    "a label of a megabyte": ("cls", b"x" * 10**6),
    "JSON of two megabytes": ("json", b'{"label": "' + b"x" * 2 * 10**6 + b'"}'),
    "a number of 10,000 digits": ("cls", b"9" * 900),
    "JSON with a number of 10,000 digits": ("json", b'{"label": ' + b"9" * 10_000 + b"}"),
    "a key twice in JSON": ("json", b'{"label": 0, "label": 1}'),
    "surrogates in JSON": ("json", b'{"label": "\\ud800"}'),
    "NaN as label": ("json", b'{"label": NaN}'),
}
SHARDS: dict[str, Callable[[Path], str]] = {
    "shard of nothing": partial(_shard, b""),
    "shard of zeros": partial(_shard, bytes(10**6)),
    "shard of text": partial(_shard, b"hello" * 1000),
    "shard of links": partial(_link, tarfile.SYMTYPE, "/etc/passwd"),
    "shard of hard links": partial(_link, tarfile.LNKTYPE, "../../etc/passwd"),
    "shard of devices": partial(_link, tarfile.CHRTYPE, ""),
    "shard of pipes": partial(_link, tarfile.FIFOTYPE, ""),
    "shard of sparse files": partial(_link, tarfile.GNUTYPE_SPARSE, ""),
    "shard with headers in each other": _long_chain,
    "shard with a size of less than nothing": partial(_pax, {"size": "-512"}),
    "shard with a size that is no number": partial(_pax, {"size": "many"}),
    "shard with a sparse map": partial(_pax, {"GNU.sparse.map": "0,1," * 9000}),
    "shard with a sparse size": partial(
        _pax, {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" * 30}
    ),
    **{
        f"shard with a member of {size} bytes": partial(
            _endless, _file("a.png", size=size, kind=kind)[0]
        )
        for kind, size in ((tarfile.REGTYPE, 2**39), (tarfile.AREGTYPE, 2**30 + 1))
    },
    **{
        f"shard with a header of {kind!r} without end": partial(
            _endless, _file("a", size=2**38, kind=kind)[0]
        )
        for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, b"K", b"X")
    },
    **{
        f"shard that is {kind}": partial(_place, kind) for kind in ("a pipe", "a device", "a link")
    },
    "shard that is a folder": partial(_place, "a folder"),
    **{
        f"shard with {what}": partial(
            _shard, _packed([_file("a.png", b"x"), _file(f"a.{ending}", content)])
        )
        for what, (ending, content) in _LABELS.items()
    },
    **{
        f"shards called {name[:30]}": partial(_said, name)
        for name in (
            "{0..999999999}.tar",
            "{0..9999}" * 20 + ".tar",
            "{a,../../etc}/x.tar",
            "{" * 5000,
            "{,}{,}.tar",
            "x{9..0}.tar",
        )
    },
}
