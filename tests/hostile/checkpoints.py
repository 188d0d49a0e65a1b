"""Damaged and hostile checkpoints: the same ones for every seed."""

import io
import itertools
import json
import os
import pickle
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import timm
import torch

from tests.checkpoints.files import card, official_file, official_state, weights, written

TIMM = "test_vit"
MIXER = "official/ac-mixer"


@dataclass(frozen=True)
class File:
    """One attack.

    Attributes:
        name: what was done.
        suffix: of the file.
        make: writes it at a path; `suffix` may be of a folder, a pipe or a link.
        sound: the sound file whose logits it may still give; None: it must be refused.
    """

    name: str
    suffix: str
    make: Callable[[Path], object]
    sound: str | None = None


def sound_files(folder: Path) -> dict[str, Path]:
    """One sound file of every kind by its suffix, small."""
    folder.mkdir(parents=True, exist_ok=True)
    network = timm.create_model(TIMM, num_classes=3).eval()
    state = {key: value.detach() for key, value in network.state_dict().items()}
    torch.save(state, folder / "a.pth")
    return {
        ".pt": written(folder / "a.pt"),
        ".safetensors": written(folder / "a.safetensors"),
        ".pth.tar": official_file(folder / "a.pth.tar"),
        ".pth": folder / "a.pth",
    }


def asked(path: Path, suffix: str) -> tuple[str, str | None]:
    """Uri and architecture of a file, by its suffix."""
    if suffix == ".pth":
        return f"timm:{TIMM}@{path}", None
    return str(path), MIXER if suffix == ".pth.tar" else None


def files(sound: dict[str, Path], marker: Path, seed: int = 0) -> Iterator[File]:
    """Yield every attack; `marker` is what a pickle touches if it runs."""
    contents = {suffix: path.read_bytes() for suffix, path in sound.items()}
    yield from _damaged(contents, random.Random(seed))
    yield from _swapped(contents[".pt"])
    yield from _states()
    yield from _official_states()
    yield from _cards()
    yield from _headers(contents[".safetensors"])
    for suffix in (".pt", ".pth.tar", ".pth"):
        yield from _programs(suffix, marker)
    yield from _places()


def _damaged(contents: dict[str, bytes], draw: random.Random) -> Iterator[File]:
    for suffix, content in contents.items():
        n = 8 if suffix == ".pth" else 25  # networks of timm take a while
        for _ in range(n):
            yield _bytes("truncated", suffix, content[: draw.randrange(len(content))])
        ends = [draw.randrange(2000), len(content) - 1 - draw.randrange(2000)]
        for at in [*ends, *(draw.randrange(len(content)) for _ in range(n))]:
            flipped = bytes([content[at] ^ 1 << draw.randrange(8)])
            yield _bytes(
                f"bit flipped at {at}", suffix, content[:at] + flipped + content[at + 1 :], suffix
            )
        for _ in range(n // 3):
            at, length = draw.randrange(len(content)), draw.randrange(1, 500)
            zeros = content[:at] + bytes(length) + content[at + length :]
            yield _bytes(f"zeros at {at}", suffix, zeros, suffix)
            yield _bytes(
                f"inserted at {at}",
                suffix,
                content[:at] + draw.randbytes(3) + content[at:],
                suffix,
            )
        yield _bytes("noise", suffix, draw.randbytes(3000))
        yield _bytes("appended", suffix, content + draw.randbytes(100), suffix)
        yield _bytes("twice", suffix, content * 2, suffix)


def _bytes(name: str, suffix: str, content: bytes, sound: str | None = None) -> File:
    return File(f"{suffix} {name}", suffix, lambda path: path.write_bytes(content), sound)


def _swapped(content: bytes) -> Iterator[File]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    data = [name for name in members if "/data/" in name]
    pairs = [(a, b) for a, b in itertools.pairwise(data) if members[a] != members[b]]
    for one, other in pairs:
        swapped = {**members, one: members[other], other: members[one]}
        yield File(f"swapped {one}", ".pt", lambda path, m=swapped: _zip(path, m))
    for name in data[:10]:
        rest = {key: value for key, value in members.items() if key != name}
        yield File(f"without {name}", ".pt", lambda path, m=rest: _zip(path, m))
        longer = {**members, name: members[name] + b"\0" * 4}
        yield File(f"longer {name}", ".pt", lambda path, m=longer: _zip(path, m))
    deflated = zipfile.ZIP_DEFLATED
    yield File("compressed", ".pt", lambda path: _zip(path, members, deflated))
    yield File("a bomb", ".pt", lambda path: _zip(path, {data[0]: bytes(2**28)}, deflated))
    yield File("an archive of nothing", ".pt", lambda path: _zip(path, {}))
    yield File("another archive", ".pt", lambda path: _zip(path, {"a.txt": b"a"}))


def _zip(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _states() -> Iterator[File]:
    base = weights()
    some = [key for i, key in enumerate(base) if i % 4 == 0]
    odd = {
        "missing": lambda value: None,
        "integers": lambda value: value.long(),
        "complex": lambda value: value.to(torch.complex64),
        "transposed": lambda value: torch.zeros(*value.shape, 2),
        "empty": lambda value: torch.zeros(0),
        "nan": lambda value: torch.full_like(value, float("nan")),
        "infinite": lambda value: torch.full_like(value, float("inf")),
        "meta": lambda value: torch.empty_like(value, device="meta"),
        "stretched": lambda value: torch.zeros(1).expand(10**4, 10**5),
        "sparse": lambda value: torch.eye(4).to_sparse(),
        "text": lambda value: "weights",
        "nested": lambda value: {"a": {"b": value}},
        "a list": lambda value: [value],
    }
    for key in some:
        for name, change in odd.items():
            state = {**base, key: change(base[key])}
            state = {k: v for k, v in state.items() if v is not None}
            yield File(f"{key} {name}", ".pt", lambda path, s=state: _raw(path, state=s))
    for name in ("", "\x1b[31m", "a" * 100_000, "\ud800", "é\0", 3, None, ("a",)):
        state = {**base, name: torch.zeros(2)}
        yield File(f"parameter {name!r:.20}", ".pt", lambda path, s=state: _raw(path, state=s))


def _official_states() -> Iterator[File]:
    official = official_state()
    for key in list(official)[:12]:
        for value in (torch.zeros(0), torch.tensor(1.0), torch.zeros(1, 1, 1, 1, 1), "a", None):
            state = {**official, key: value}
            content = {"state_dict": state}
            name = f"official {key} {value!r:.20}"
            yield File(name, ".pth.tar", lambda path, c=content: torch.save(c, path))
    for key in ("blocks.99999999999.x", "mixer_layers." + "9" * 5000 + ".x"):
        content = {"state_dict": {**official, key: torch.zeros(1)}}
        yield File(f"official {key:.30}", ".pth.tar", lambda path, c=content: torch.save(c, path))
    for content in (3, [], {}, {"state_dict": None}, {"state_dict": []}, torch.zeros(2), "a"):
        for suffix in (".pt", ".pth.tar", ".pth"):
            yield File(f"{content!r:.30}", suffix, lambda path, c=content: torch.save(c, path))


def _raw(path: Path, **changes: object) -> None:
    content = {"acn_eval_card": card().model_dump_json(), "state": weights(), **changes}
    torch.save(content, path)


def _cards() -> Iterator[File]:
    fields = json.loads(card().model_dump_json())
    arch = fields["arch"]
    absurd = [-1, 1e30, 10**30, 2**31, 0.5, None, "x", [], {}, [1] * 1000, float("nan")]
    texts = [1, [], {"a": 1}, "a" * 10**5, 1e30]
    tables = {
        **{name: [*absurd, [1e30], [float("inf")], [0.1] * 4, ["a"]] for name in ("mean", "std")},
        **{name: texts for name in ("data", "data_fingerprint", "pair", "origin")},
        "classes": [["a"], ["a"] * 4, list("abc"), [1, 2, 3, 4], "abcd", None, [["a"]] * 4],
        "training": [{"recipe": {}}, 3, [], {"recipe": [], "seed": 1e99}],
        "arch": [
            {**arch, name: value}
            for name in ("depth", "width", "image_size", "patch", "classes", "heads", "hidden")
            for value in absurd
        ],
    }
    for name, value in ((name, value) for name, values in tables.items() for value in values):
        text = json.dumps({**fields, name: value})
        yield _card(f"{name} {value!r:.90}", text)
    for text in ("", "{", "[]", "null", "[" * 100_000, '{"a":' * 50_000, "\ud800", "\0", "1e999"):
        yield _card(f"card {text:.20}", text)
    for value in (None, 3, b"{}", [1]):
        name = f"card {value!r}"
        yield File(name, ".pt", lambda path, v=value: _raw(path, acn_eval_card=v))


def _card(name: str, text: str) -> File:
    return File(name, ".pt", lambda path: _raw(path, acn_eval_card=text))


def _headers(content: bytes) -> Iterator[File]:
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    data = content[8 + size :]
    first = "head.weight"
    for number in (0, 1, 2**20, 2**31, 2**40, 2**63, 2**64 - 1):
        yield _bytes(f"header of {number}", ".safetensors", number.to_bytes(8, "little") + data)
    for name, change in {
        "huge": {"shape": [2**40, 2**20]},
        "overflow": {"shape": [2**62, 2**62]},
        "negative": {"shape": [-1, 4]},
        "other type": {"dtype": "I32"},
        "no type": {"dtype": "X9"},
        "beyond": {"data_offsets": [0, 2**40]},
        "backwards": {"data_offsets": [100, 0]},
        "no shape": {"shape": None},
    }.items():
        changed = {**header, first: {**header[first], **change}}
        yield _bytes(name, ".safetensors", _safe(changed, data))
    yield File("many", ".safetensors", _many)
    yield _bytes("deep", ".safetensors", (50_000).to_bytes(8, "little") + b'{"a":' * 10_000)
    for words in ({}, {"acn_eval_card": "{}"}, {"acn_eval_card": "", "x": "\x1b[2J"}):
        yield _bytes(f"metadata {words}", ".safetensors", safetensors.torch.save(weights(), words))


def _many(path: Path) -> None:
    one = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    path.write_bytes(_safe({str(i): one for i in range(90_000)}, b""))


def _safe(header: dict[str, object], data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


class Runs:
    """A pickle of this calls something when it is loaded."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def _programs(suffix: str, marker: Path) -> Iterator[File]:
    calls = {
        "system": Runs(os.system, f"touch {marker}"),
        "makedirs": Runs(os.makedirs, str(marker)),
        "eval": Runs(eval, f"open({str(marker)!r}, 'w')"),
        "exec": Runs(exec, f"open({str(marker)!r}, 'w')"),
        "stand-in": Runs(torch.optim.AdamW, Runs(os.mkdir, str(marker))),
        "load": Runs(torch.load, str(marker)),
        "hub": Runs(torch.hub.load, "a/b", "c"),
        "attribute": Runs(getattr, "a", "upper"),
        "import": Runs(__import__, "antigravity"),
    }
    state, official = weights(), official_state()
    for name, call in calls.items():
        for where in ("state", "state_dict", "optimizer", "a"):
            content = {"acn_eval_card": card().model_dump_json(), "state": state}
            content |= {"state_dict": official, where: {"a": call}}
            for protocol in (2, 5) if where == "a" else (2,):
                yield File(
                    f"{name} in {where} {protocol}",
                    suffix,
                    lambda path, c=content, p=protocol: torch.save(c, path, pickle_protocol=p),
                )
        bare = pickle.dumps(call)
        yield File(f"{name} bare", suffix, lambda path, b=bare: path.write_bytes(b))
        yield File(
            f"{name} as it was",
            suffix,
            lambda path, c=call: torch.save(c, path, _use_new_zipfile_serialization=False),
        )
    for name, program in _bombs().items():
        members = {"a/data.pkl": program, "a/data/0": bytes(16), "a/version": b"3\n"}
        yield File(name, suffix, lambda path, m=members: _zip(path, m))


def _bombs() -> dict[str, bytes]:
    size = b"\x8a\x05\x00\x00\x00\x00\x40"  # 2 ** 38
    tuples = b")" + b"q\0h\0\x86" * 60
    return {
        "bytes": b"\x80\x02c__builtin__\nbytearray\n(" + size + b"tR.",
        "a tensor": b"\x80\x02ctorch\nFloatTensor\n(" + size + b"tR.",
        "a storage": b"\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000N"
        + size
        + b"tQ.",
        "hashed for years": b"\x80\x02}" + tuples + b"Ns.",
        "deep lists": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "marks": b"\x80\x02" + b"(" * 1_900_000 + b".",
        "lists": b"\x80\x02" + b"]" * 1_900_000 + b".",
        "no end": b"\x80\x02}",
        "no stack": b"\x80\x02R.",
        "no memo": b"\x80\x02h\x09.",
        "a long text": b"\x80\x02X\xff\xff\xff\x7fa.",
        "itself": b"\x80\x02}q\0X\x05\0\0\0stateh\0s.",
        "extension": b"\x80\x02\x82\x01.",
    }


def _places() -> Iterator[File]:
    for suffix in (".pt", ".safetensors", ".pth.tar", ".pth"):
        yield File(f"{suffix} empty", suffix, lambda path: path.touch())
        yield File(f"{suffix} folder", suffix, lambda path: path.mkdir())
        yield File(f"{suffix} pipe", suffix, os.mkfifo)
        yield File(f"{suffix} nothing", suffix, lambda path: None)
        yield File(f"{suffix} dangling", suffix, lambda path: path.symlink_to("nowhere"))
        yield File(f"{suffix} loop", suffix, lambda path: path.symlink_to(path.name))
        yield File(f"{suffix} device", suffix, lambda path: path.symlink_to("/dev/zero"))
        yield File(
            f"{suffix} sparse", suffix, lambda path: (path.touch(), os.truncate(path, 2**42))
        )
        for name in (b"\xff\xfe", b"a" * 300, b"a\x1b[31m", b"\xed\xa0\x80"):
            yield File(f"{suffix} called {name!r:.20}", os.fsdecode(name) + suffix, _touched)


def _touched(path: Path) -> None:
    try:
        path.touch()
    except OSError:  # a name that the disk does not take
        assert len(path.name) > 255
