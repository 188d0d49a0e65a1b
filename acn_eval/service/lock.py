"""What one process at a time does, wherever it runs: a lease in the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from filelock import FileLock, Timeout
from sqlalchemy import Connection, delete, or_, update

from acn_eval.errors import AcnEvalError, TrackingError
from acn_eval.service import tables as t
from acn_eval.service.database import Database

__all__ = ["Lock", "LockLost"]

_PATIENCE = 30.0  # seconds


class LockLost(AcnEvalError):
    """Another process holds the lock."""

    exit_code = 4


@dataclass(frozen=True)
class Lock:
    """A lock that its owner must renew within so many seconds.

    Raises:
        TrackingError: the database does not answer.
    """

    database: Database
    name: str
    owner: str
    seconds: float = 60.0

    def take(self) -> bool:
        """Take or renew it; return whether it is held."""
        with self.database.write() as connection:
            new = {"name": self.name, "owner": self.owner, "lease": self._until}
            made = self.database.insert(t.lock).values(new)
            connection.execute(made.on_conflict_do_nothing())
            return self._renewed(connection)

    def require(self, connection: Connection) -> None:
        """Renew it in a transaction, which nobody else can then take it from.

        Raises:
            LockLost: another process holds it.
        """
        if not self._renewed(connection):
            raise LockLost(f"{self.name}: must be held by {self.owner}; another process took it")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Do what no other process does meanwhile, even where the lease of this one runs out.

        SQLite serves one machine, where a file does: a transaction would keep all others waiting.
        """
        if not self.database.sqlite:
            with self.database.write() as connection:
                self.database.alone(connection, self.name)
                yield
            return
        held = FileLock(f"{self.database.engine.url.database}.{self.name}.lock")
        try:
            held.acquire(timeout=_PATIENCE)
        except Timeout as exc:
            msg = f"{held.lock_file}: must become free; another process holds it"
            raise TrackingError(msg) from exc
        try:
            yield
        finally:
            held.release()

    def release(self) -> None:
        """Let it go, if it is held."""
        own = (t.lock.c.name == self.name) & (t.lock.c.owner == self.owner)
        with self.database.write() as connection:
            connection.execute(delete(t.lock).where(own))

    def _renewed(self, connection: Connection) -> bool:
        free = or_(t.lock.c.owner == self.owner, t.lock.c.lease < self.database.now)
        mine = update(t.lock).where((t.lock.c.name == self.name) & free)
        done = connection.execute(mine.values(owner=self.owner, lease=self._until))
        return done.rowcount == 1

    @property
    def _until(self) -> object:
        return self.database.now + self.seconds
