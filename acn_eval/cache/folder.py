"""Outcomes in a folder, of one machine or shared by several."""

import errno
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from acn_eval import atomic
from acn_eval.cache.place import MARK, MARKER, REMEDY, Held
from acn_eval.errors import ConfigError, StoreError

__all__ = ["Folder"]

# On NFS, a file that another machine has replaced or removed since is stale.
_ABSENT: set[int | None] = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}


class Folder:
    """A place; see `acn_eval.cache.place.Place`.

    Args:
        path: of the folder, which is created on the first write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def marked(self) -> bool:
        """Whether the marker is there: the folder may have been removed since."""
        return self.read([MARKER], len(MARK) + 1) == {MARKER: MARK}

    def read(self, names: Sequence[str], most: int) -> dict[str, bytes]:
        """Return the first bytes of what lies under these names."""
        found = {}
        for name in names:
            path = self._path / name
            with self._kept(_ABSENT):
                if stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
                    with path.open("rb") as file:
                        found[name] = file.read(min(os.fstat(file.fileno()).st_size, most))
        return found

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Write beside and rename; after a loss of power, half a file may be there."""
        with self._kept():
            for name, content in contents.items():
                atomic.write(self._path / name, content, sync=False)

    def touch(self, name: str) -> None:
        """Set the time of the file, unless another process has removed it, or owns it."""
        with suppress(OSError):
            os.utime(self._path / name)

    def remove(self, names: Iterable[str]) -> list[str]:
        """Remove files; return those of others."""
        stay = []
        for name in names:
            with self._kept(_ABSENT):
                try:
                    (self._path / name).unlink()
                except PermissionError:
                    stay.append(name)
        return stay

    def top(self) -> Iterator[str]:
        """Yield the names at the top."""
        try:
            yield from [path.name for path in self._path.iterdir() if not atomic.is_part(path)]
        except FileNotFoundError:
            return
        except OSError as exc:
            msg = f"{self._path}: must be a folder for outcomes; got {exc.strerror}. {REMEDY}"
            raise ConfigError(msg) from exc

    def files(self) -> Iterator[Held]:
        """Yield regular files; links lead elsewhere."""
        for path in self._path.glob("*/*.outcomes"):
            with suppress(FileNotFoundError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    name = path.relative_to(self._path).as_posix()
                    yield Held(name, status.st_size, status.st_mtime)

    @contextmanager
    def _kept(self, absent: Collection[int | None] = ()) -> Iterator[None]:
        """Turn errors into one line, but those of what is absent."""
        try:
            yield
        except OSError as exc:
            if exc.errno not in absent:
                msg = f"{self._path}: outcomes must be kept there; {exc.strerror}. {REMEDY}"
                raise StoreError(msg) from exc
