"""What a place for outcomes does: it keeps bytes under names, each written whole."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

__all__ = ["MARK", "MARKER", "REMEDY", "Held", "Place"]

MARKER = "CACHEDIR.TAG"  # of the Cache Directory Tagging Specification: backups leave it out
MARK = b"Signature: 8a477f597d28d172789f06886806bc55\n# Outcomes that acn-eval keeps.\n"
REMEDY = "Point ACN_EVAL_CACHE at another place."


class Held(NamedTuple):
    """What lies somewhere.

    Attributes:
        name: with slashes, from the top of the place.
        size: in bytes.
        used: when it was last read or, in an object store, written; seconds since 1970.
    """

    name: str
    size: int
    used: float


class Place(Protocol):
    """A folder or an object store.

    All methods raise `StoreError` where the place cannot be reached, or does not allow it.
    """

    @property
    def marked(self) -> bool:
        """Whether the marker need not be written."""

    def read(self, names: Sequence[str], most: int) -> dict[str, bytes]:
        """Return the first bytes of what lies under these names; what is absent is left out."""

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Write files by their names, each whole, in place of what was there."""

    def touch(self, name: str) -> None:
        """Note that a file was used now, where the place can."""

    def remove(self, names: Iterable[str]) -> list[str]:
        """Remove files, those that are there; return those that must not be removed."""

    def top(self) -> Iterator[str]:
        """Yield the names at the top; parts that are being written are left out.

        Raises:
            ConfigError: it is no place for files.
        """

    def files(self) -> Iterator[Held]:
        """Yield every file that may be an outcome."""
