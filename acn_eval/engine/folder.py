"""A folder of a run's own, which goes with it or, where that was killed, with a later run."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

__all__ = ["OwnFolder"]

_LOCK = "owner.lock"


class OwnFolder:
    """A new folder which no other user may enter, and which is locked while this process lives.

    Those of this user whose processes are gone are removed first.

    Args:
        prefix: of its name.
        place: where it is made; None is the default for temporary files.

    Raises:
        OSError: the place cannot be written.
    """

    def __init__(self, prefix: str, place: str | None = None) -> None:
        for left in Path(place or tempfile.gettempdir()).glob(f"{prefix}*"):
            _remove_left(left)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        new = self.path / "new.lock"
        self._lock = os.open(new, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        new.rename(self.path / _LOCK)  # nobody finds it free before it is held

    def remove(self) -> None:
        """Remove it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _remove_left(folder: Path) -> None:
    with suppress(OSError):  # it is in use, incomplete, or goes at this moment
        if folder.lstat().st_uid != os.geteuid():
            return
        lock = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
