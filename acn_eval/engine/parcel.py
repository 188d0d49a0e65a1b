"""Tasks as bytes: what many of them share is pickled apart, and sent once.

Only processes of one run exchange parcels. Nothing that comes from a file, a server or a user is
ever read as one.
"""

import hashlib
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import cloudpickle

from acn_eval.errors import ConfigError

__all__ = ["Packer", "Parcel", "SentOnce", "Unpacker"]

_KEPT = 2**32  # bytes of shared parts that a worker keeps
_CANNOT: tuple[type[Exception], ...] = (
    *(pickle.PicklingError, TypeError, AttributeError),
    *(RuntimeError, ValueError),  # torch says so, of a parametrized or scripted network
)


class SentOnce:
    """A mark of what many tasks share, such as a network: a worker gets it once."""


class Parcel(NamedTuple):
    """A task as bytes.

    Attributes:
        content: pickled; `SentOnce` parts are left out and named.
        parts: names of all parts that it needs, those that parts need included.
    """

    content: bytes
    parts: tuple[str, ...]


class Packer:
    """Makes parcels.

    Args:
        put: stores a part under its name, the digest of its bytes; called once per part.
    """

    def __init__(self, put: Callable[[str, bytes], None]) -> None:
        self._put = put
        self._known: dict[int, tuple[Any, str]] = {}  # the part, so that its id stays its own
        self._within: dict[str, tuple[str, ...]] = {}

    def pack(self, task: Any) -> Parcel:
        """Return a task as bytes; its parts are stored first.

        Raises:
            ConfigError: it holds something that no other process can get, such as a network whose
                code is in no file.
        """
        file, found = io.BytesIO(), dict[str, None]()
        try:
            _Pickler(file, self, task, found).dump(task)
        except _CANNOT as exc:
            msg = f"`engine`: must be local for what no other process can get; {exc}"
            raise ConfigError(msg, "engine") from exc
        return Parcel(file.getvalue(), tuple(found))

    def part(self, own: SentOnce) -> tuple[str, tuple[str, ...]]:
        """Return the name of a part, and of those that it needs."""
        if id(own) not in self._known:
            content, within = self.pack(own)
            name = hashlib.sha256(content).hexdigest()
            if name not in self._within:
                self._put(name, content)
                self._within[name] = within
            self._known[id(own)] = own, name
        name = self._known[id(own)][1]
        return name, self._within[name]


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(
        self, file: io.BytesIO, packer: Packer, whole: Any, found: dict[str, None]
    ) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._packer, self._whole, self._found = packer, whole, found

    def persistent_id(self, own: Any) -> str | None:
        """Return the name of a part; None pickles it here."""
        if own is self._whole or not isinstance(own, SentOnce):
            return None
        name, within = self._packer.part(own)
        self._found |= dict.fromkeys((*within, name))
        return name


class Unpacker:
    """Reads parcels in a worker, and keeps the parts of late.

    Args:
        get: returns the bytes of a part by its name.
        most: bytes of parts that are kept.
    """

    def __init__(self, get: Callable[[str], bytes], most: int = _KEPT) -> None:
        self._get, self._most = get, most
        self._kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()

    def unpack(self, content: bytes) -> Any:
        """Return the task."""
        return _Unpickler(io.BytesIO(content), self).load()

    def part(self, name: str) -> Any:
        """Return a part, which all that need it share."""
        if name not in self._kept:
            content = self._get(name)
            self._kept[name] = self.unpack(content), len(content)
        self._kept.move_to_end(name)
        while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._most:
            self._kept.popitem(last=False)
        return self._kept[name][0]


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, unpacker: Unpacker) -> None:
        super().__init__(file)
        self._unpacker = unpacker

    def persistent_load(self, name: Any) -> Any:
        """Return the part of a name."""
        return self._unpacker.part(name)
