"""Counts work that is stored as it proceeds, for progress bars and for interruptions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from acn_eval.errors import Stopped, StoreError

__all__ = ["Progress", "Tally", "quietly"]

Progress = Callable[[int, int], None]
"""Called with (done, in all)."""


def quietly(done: int, total: int = 0) -> None:
    """Show no progress."""


@dataclass
class Tally:
    """How much work is done and stored.

    As a context, it adds these numbers to a Ctrl-C, and to the error of a store that is lost.

    Attributes:
        total: units of the work.
        unit: their name in the plural.
        remedy: what the user may do, or must know, after an interruption.
    """

    total: int
    unit: str
    progress: Progress = quietly
    remedy: str = "The same command resumes from there."
    done: int = 0
    kept: int = 0
    _shown: int = field(default=0, init=False)
    _under_way: dict[int | None, tuple[int, int]] = field(default_factory=dict, init=False)

    def add(self, count: int, *, kept: int | None = None, task: int | None = None) -> None:
        """Count finished work; all of it is stored, unless `kept` says how much is."""
        self._under_way.pop(task, None)
        self.done += count
        self.kept += count if kept is None else kept
        self._show()

    def keep(self, count: int) -> None:
        """Count work that was finished before and is stored now."""
        self.kept += count

    def show(self, more: int, kept: int = 0) -> None:
        """Show work that is done but not finished, and how much of it an interruption keeps."""
        self.show_of(None, more, kept)

    def show_of(self, task: int | None, more: int, kept: int = 0) -> None:
        """Show the same of one of several tasks under way, by its number."""
        self._under_way[task] = more, kept
        self._show()

    def _show(self) -> None:
        more = sum(more for more, _ in self._under_way.values())
        self._shown = max(self._shown, min(self.done + more, self.total))
        self.progress(self._shown, self.total)

    def __enter__(self) -> "Tally":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        reason: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say what is stored: a KeyboardInterrupt becomes `Stopped`."""
        kept = self.kept + sum(kept for _, kept in self._under_way.values())
        msg = f"{kept:,} of the {self.total:,} {self.unit} under way are kept"
        msg = f"{msg}, and all that was finished before. {self.remedy}"
        if isinstance(reason, KeyboardInterrupt):
            raise Stopped(msg) from reason
        if isinstance(reason, StoreError) and self.done:
            raise StoreError(f"{reason} {msg}") from reason
