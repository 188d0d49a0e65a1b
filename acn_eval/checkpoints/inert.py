"""What a pickled checkpoint asks for, looked over before anything is built.

A pickle is a program. Here it runs on a machine whose every name is a stand-in: nothing is
imported, called or allocated, so that what a file declares is known and bounded beforehand.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import IO, Any, ClassVar

__all__ = ["Declared", "Inert", "look_over", "stand_ins"]

_COPIES = 4  # weights in the state, in the optimizer, and their tied twins
_DEEPEST = 1000
_OPCODES = (
    *("PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "NEWOBJ", "BUILD", "BINPERSID"),
    *("APPEND", "APPENDS", "SETITEM", "SETITEMS", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("EMPTY_TUPLE", "EMPTY_LIST", "EMPTY_DICT", "NONE", "NEWTRUE", "NEWFALSE"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING"),
    *("BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT"),
)
_STORAGES = {  # bytes per element
    f"torch.{name}Storage": size
    for size, names in (
        (1, "Bool Byte Char"),
        (2, "Half BFloat16 Short"),
        (4, "Float Int"),
        (8, "Double Long ComplexFloat"),
        (16, "ComplexDouble"),
    )
    for name in names.split()
}
_DICTS = ("collections.OrderedDict", "collections.defaultdict")
_TENSOR, _PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
_BYTES = "_codecs.encode"  # the one that torch calls itself
_OPAQUE = (
    _BYTES,
    "argparse.Namespace",
    "builtins.dict",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray.scalar",
    "numpy.dtype",
    "torch.optim.adamw.AdamW",
    "torch.optim.lr_scheduler.CosineAnnealingLR",
)
"""What trainers leave beside their weights: known by name, never imported."""


class Inert:
    """An object of a file that nobody needs: it takes everything and does nothing."""

    def __init__(self, *_: object) -> None:
        """Take any arguments, and keep none of them."""

    def __setstate__(self, state: object) -> None:
        """Keep nothing."""


def _plain_dict(*_: object) -> dict[Any, Any]:
    return {}


def stand_ins() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Return what `torch.serialization.safe_globals` takes: inert things under their names."""
    opaque = [name for name in _OPAQUE if name != _BYTES]
    return [(_plain_dict, "collections.defaultdict"), *((Inert, name) for name in opaque)]


@dataclass
class Declared:
    """What a pickle declares.

    Attributes:
        stored: bytes of every storage by key.
        shown: bytes of all tensors, views counted in full.
    """

    stored: dict[str, int] = field(default_factory=dict)
    shown: int = 0


@dataclass(frozen=True)
class _Name:
    path: str


@dataclass(frozen=True)
class _Storage:
    elements: int
    element_bytes: int


class _Weight:
    """A tensor that was declared; each differs from all others."""


class _Look(pickle._Unpickler):
    """Runs a pickle on stand-ins; `declared` is filled on the way."""

    append: Callable[[Any], None]
    stack: list[Any]
    metastack: list[Any]
    load_mark: Callable[[], None]
    load_stop: Callable[[], None]
    pop_mark: Callable[[], list[Any]]
    dispatch: ClassVar[dict[int, Any]] = {
        code: pickle._Unpickler.dispatch[code]
        for code in (getattr(pickle, name)[0] for name in _OPCODES)
    }

    def __init__(self, file: IO[bytes], declared: Declared) -> None:
        super().__init__(file)
        self.declared = declared

    def find_class(self, module: str, name: str) -> _Name:
        path = f"{'builtins' if module == '__builtin__' else module}.{name}"
        if path not in {*_STORAGES, *_DICTS, _TENSOR, _PARAMETER, *_OPAQUE}:
            raise _refused(path)
        return _Name(path)

    def persistent_load(self, pid: Any) -> _Storage:
        kind, name, key, _, elements, *_ = pid
        if kind != "storage" or not isinstance(key, str) or not _sizes([elements]):
            raise ValueError("a storage must have a key and a size")
        stored = _Storage(elements, _STORAGES[name.path])
        nbytes = elements * stored.element_bytes
        if self.declared.stored.setdefault(key, nbytes) != nbytes:
            raise ValueError(f"storage {key} must have one size")
        return stored

    def mark(self) -> None:
        if len(self.metastack) > _DEEPEST:
            raise ValueError("its values are nested too deep")
        self.load_mark()

    def stop(self) -> None:
        if len(self.stack) != 1 or self.metastack:
            raise ValueError("it must make one value")
        self.load_stop()

    def called(self) -> None:
        arguments, name = self.stack.pop(), self.stack.pop()
        self.append(self._made(name.path, arguments))

    def built(self) -> None:
        self.stack.pop()
        if not isinstance(self.stack[-1], dict | Inert):
            raise ValueError("a tensor must not be changed after it was made")

    def item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def items(self) -> None:
        self._set(self.pop_mark())

    def _set(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(key, str | int | _Weight):  # a tuple of tuples takes years to hash
                raise ValueError("keys must be names, numbers or parameters")
            target[key] = value

    def _made(self, path: str, arguments: Any) -> object:
        if path == _TENSOR:
            self.declared.shown += _shown(*arguments[:4])
            return _Weight()
        if path == _PARAMETER and isinstance(arguments[0], _Weight):
            return arguments[0]
        if path == _DICTS[1] or (path == _DICTS[0] and not arguments):
            return {}
        if path in _OPAQUE and (path != _BYTES or arguments[1] == "latin1"):
            return Inert()
        raise _refused(path)

    dispatch[pickle.REDUCE[0]] = dispatch[pickle.NEWOBJ[0]] = called
    dispatch[pickle.MARK[0]], dispatch[pickle.STOP[0]] = mark, stop
    dispatch[pickle.BUILD[0]] = built
    dispatch[pickle.SETITEM[0]], dispatch[pickle.SETITEMS[0]] = item, items


def look_over(file: IO[bytes], pickles: int = 1) -> Declared:
    """Run so many pickles, one behind the other, on stand-ins; return what they declare.

    Raises:
        pickle.UnpicklingError: they name what is not on the list, or show more than they store.
        Exception: of any kind that a damaged pickle causes.
    """
    declared = Declared()
    for _ in range(pickles):
        _Look(file, declared).load()
    if declared.shown > _COPIES * sum(declared.stored.values()):
        raise pickle.UnpicklingError("its tensors show more numbers than it stores")
    return declared


def _shown(storage: Any, offset: Any, size: Any, stride: Any) -> int:
    """Return the bytes of a tensor that fits into its storage without repeating a number."""
    if not _sizes([offset, *size, *stride]) or len(size) != len(stride) or len(size) > 16:
        raise ValueError("a tensor must have sizes and strides")
    elements = prod(size)
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if elements > storage.elements or (elements and last >= storage.elements):
        raise pickle.UnpicklingError("a tensor shows more numbers than its storage has")
    shown: int = elements * storage.element_bytes
    return shown


def _sizes(numbers: list[Any]) -> bool:
    return all(type(n) is int and 0 <= n < 2**48 for n in numbers)


def _refused(path: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"Unsupported global {path}")
