"""Counts work that is kept as it goes, and says how much is kept where it is interrupted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from acn_eval.errors import Stopped

__all__ = ["Progress", "Tally", "quietly"]

Progress = Callable[[int, int], None]
"""Called with (done, in all)."""


def quietly(done: int, total: int = 0) -> None:
    """Show no progress."""


@dataclass
class Tally:
    """What of some work is done and kept; as a context, it puts numbers into a Ctrl-C.

    Attributes:
        total: units of the work.
        unit: their name in the plural.
        told: of what is done.
        remedy: what the user may do, or must know, after an interruption.
    """

    total: int
    unit: str
    told: Progress = quietly
    remedy: str = "The same command goes on from there."
    done: int = field(default=0)
    kept: int = field(default=0)
    _shown: int = field(default=0, init=False)
    _kept_so_far: int = field(default=0, init=False)

    def add(self, count: int, *, kept: int | None = None) -> None:
        """Count what is done for good; all of it is kept, unless that is counted by itself."""
        self.done += count
        self.kept += count if kept is None else kept
        self.show(0)

    def show(self, more: int, kept: int = 0) -> None:
        """Show what is done but not final; what is done again is not shown again.

        Args:
            more: work that is done since the last `add`.
            kept: how much of it an interruption does not lose.
        """
        self._kept_so_far = kept
        self._shown = max(self._shown, self.done + more)
        self.told(self._shown, self.total)

    def __enter__(self) -> "Tally":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        reason: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say what is kept.

        Raises:
            Stopped: instead of a KeyboardInterrupt.
        """
        if isinstance(reason, KeyboardInterrupt):
            kept = self.kept + self._kept_so_far
            msg = f"{kept:,} of the {self.total:,} {self.unit} under way are kept"
            raise Stopped(f"{msg}, and all that was finished before. {self.remedy}") from reason
