"""Makes hostile YAML of every suite, gate and recipe that is shipped: the same for one seed."""

import copy
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from acn_eval.shipped import shipped

__all__ = ["File", "files"]

_ODD: tuple[Any, ...] = (
    *(None, True, False, "", " ", "x", "x" * 3000, "\x00", "\ud800", "../..", "~", "ä\u202e"),
    *(0, -1, 1, 2**31, 2**63, 2**64, 10**30, -(10**30), 10**400, 0.5, 1e30, 1e308, -0.0, 1e-320),
    *(float("nan"), float("inf"), -float("inf"), "1e400", "0x1F", "1_000", "1:30:00", "0b_"),
    *([], {}, [[]], [{}], [None], {"": None}, {"kind": "gaussian"}, {"method": "si"}, [0] * 500),
    *("robustness", "gate", "mine.yaml", "/dev/zero", "/dev/stdin", "\n", "&a", "*a", "!!int"),
)
_PLAIN = (
    *("2024-13-45", "2024-01-01T25:61:61", "12:99:99", "0o9", "0x", "0b", "1__", "=", "<<", "on"),
    *("!!int x", "!!float x", "!!timestamp x", "!!binary x", "!!set {a}", "!!omap [a]", "!foo x"),
    *("!!python/object/apply:os.system [true]", "!!python/name:os.system", "!!bool 7", "*nosuch"),
    *(
        "&a [*a]",
        "|",
        ">9",
        "'",
        '"',
        '"\\UFFFFFFFF"',
        '"\\uD800"',
        "@x",
        "`x",
        "%x",
        "? x",
        "- x",
    ),
    *("[" * 3000, "{a: " * 3000, "- " * 3000, "1" * 5000, "x: " * 50, ".nan", "-.INF", "9" * 400),
)
_ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "utf-7", "cp500", "utf-8-sig")
_DEPTH = 9


@dataclass(frozen=True)
class File:
    """One hostile file.

    Attributes:
        name: what was done to which file, with its number.
        kind: ``suite``, ``gate`` or ``recipe``: who reads it.
    """

    name: str
    kind: str
    content: bytes


def files(numbers: Iterable[int], seed: int = 0) -> Iterator[File]:
    """Yield the files of these numbers, each source in turn, each attack in turn."""
    sources, attacks = list(_sources()), [*_ON_TREES, *_ON_TEXT]
    for i in numbers:
        rng = random.Random(f"{seed} {i}")
        name, kind, text = sources[i % len(sources)]
        attack = attacks[(i // len(sources) + i) % len(attacks)]
        if attack in _ON_TREES:
            tree = yaml.safe_load(text)
            for _ in range(rng.choice((1, 1, 2, 4))):
                tree = attack(tree, rng)
            content = yaml.dump(tree, sort_keys=False).encode(errors="surrogatepass")
        else:
            content = attack(text, rng)
        yield File(f"{i} {attack.__name__.strip('_')} {name}", kind, content)


def _sources() -> Iterator[tuple[str, str, str]]:
    for folder in ("suites", "checkpoints"):
        for path in sorted(shipped(folder).rglob("*.yaml")):
            text = path.read_text()
            said = yaml.safe_load(text).get("kind", "recipe")
            yield path.stem, said if said in {"gate", "recipe"} else "suite", text


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a tree."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], dict | list):
            yield from _places(node[key])


def _place(tree: Any, rng: random.Random) -> tuple[Any, Any]:
    found = list(_places(tree)) if isinstance(tree, dict | list) else []
    return rng.choice(found) if found else ({"": tree}, "")


def _another_value(tree: Any, rng: random.Random) -> Any:
    node, key = _place(tree, rng)
    node[key] = copy.deepcopy(rng.choice(_ODD))
    return tree


def _without(tree: Any, rng: random.Random) -> Any:
    node, key = _place(tree, rng)
    del node[key]
    return tree


def _wrapped(tree: Any, rng: random.Random) -> Any:
    node, key = _place(tree, rng)
    for _ in range(rng.choice((1, 2, 100))):
        node[key] = rng.choice(([node[key]], {"x": node[key]}))
    return tree


def _renamed(tree: Any, rng: random.Random) -> Any:
    node, key = _place(tree, rng)
    if isinstance(node, dict):
        wrong = rng.choice((f"{key}s", str(key)[:-1], "", "x" * 3000, 7, None, True, "kind", 1.5))
        node[wrong] = node.pop(key)
    return tree


def _many_times(tree: Any, rng: random.Random) -> Any:
    node, key = _place(tree, rng)
    own = node[key]
    node[key] = [copy.deepcopy(own) for _ in range(rng.choice((2, 60, 2000)))]
    return tree


def _exchanged(tree: Any, rng: random.Random) -> Any:
    (one, a), (other, b) = _place(tree, rng), _place(tree, rng)
    one[a], other[b] = copy.deepcopy(other[b]), copy.deepcopy(one[a])
    return tree


def _top(tree: Any, rng: random.Random) -> Any:
    return rng.choice((*_ODD, [tree], [tree, tree], {"kind": tree}))


def _line(text: str, rng: random.Random) -> tuple[list[str], int]:
    lines = text.splitlines(keepends=True)
    return lines, rng.randrange(len(lines))


def _line_twice(text: str, rng: random.Random) -> bytes:
    lines, i = _line(text, rng)
    lines.insert(rng.randrange(len(lines)), lines[i])
    return "".join(lines).encode()


def _line_gone(text: str, rng: random.Random) -> bytes:
    lines, i = _line(text, rng)
    del lines[i]
    return "".join(lines).encode()


def _plain_value(text: str, rng: random.Random) -> bytes:
    lines, i = _line(text, rng)
    lines[i] = lines[i].partition(":")[0] + f": {rng.choice(_PLAIN)}\n"
    return "".join(lines).encode()


def _flow_value(text: str, rng: random.Random) -> bytes:
    """Another value where the text has one, in braces or not."""
    cuts = [i for i, c in enumerate(text) if c in ":,[{"]
    at = rng.choice(cuts) + 1
    end = min((i for i in range(at, len(text)) if text[i] in ",]}\n"), default=len(text))
    return f"{text[:at]} {rng.choice(_PLAIN)}{text[end:]}".encode()


def _aliases(text: str, rng: random.Random) -> bytes:
    """A billion laughs, above or below."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    for i in range(1, _DEPTH):
        lines.append(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]")
    laughs = "\n".join(lines) + "\n"
    return rng.choice((laughs + text, text + laughs, laughs + f"<<: *a{_DEPTH - 1}\n")).encode()


def _merged(text: str, rng: random.Random) -> bytes:
    return rng.choice(
        (text + "<<: {kind: gate}\n", "<<: [1, 2]\n" + text, "x: &x {a: 1}\n<<: *x\n" + text)
    ).encode()


def _documents(text: str, rng: random.Random) -> bytes:
    return rng.choice(
        (
            f"{text}---\n{text}",
            f"---\n{text}...\n...\n{text}",
            f"%YAML 9.9\n---\n{text}",
            "---\n" * 99,
        )
    ).encode()


def _encoded(text: str, rng: random.Random) -> bytes:
    return (text + "# ä\n").encode(rng.choice(_ENCODINGS))


def _noise(text: str, rng: random.Random) -> bytes:
    content = bytearray(text.encode())
    for _ in range(rng.choice((1, 3, 30))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content)


def _inserted(text: str, rng: random.Random) -> bytes:
    content, at = text.encode(), rng.randrange(len(text))
    return content[:at] + rng.randbytes(rng.choice((1, 5, 500))) + content[at:]


def _cut(text: str, rng: random.Random) -> bytes:
    return text.encode()[: rng.randrange(len(text))]


def _binary(text: str, rng: random.Random) -> bytes:
    return rng.choice((b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"\x80\x04", b"")) + rng.randbytes(
        2000
    )


def _large(text: str, rng: random.Random) -> bytes:
    more = ("# " + "x" * 400_000, "x: [" + "a, " * 60_000 + "]", "y: " + "z" * 200_000)
    keys = "".join(f"k{i}: {i}\n" for i in range(15_000))
    return f"{text}\n{rng.choice((*more, keys, ' ' * 300_000, '[' * 200_000))}\n".encode()


_ON_TREES = (
    *(_another_value, _another_value, _another_value, _without, _wrapped, _renamed),
    *(_many_times, _exchanged, _top),
)
_ON_TEXT = (
    *(_plain_value, _plain_value, _flow_value, _flow_value, _line_twice, _line_gone, _aliases),
    *(_merged, _documents, _encoded, _noise, _inserted, _cut, _binary, _large),
)
