"""A progress bar with rate and ETA on a terminal's stderr; silent elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from acn_eval.foreign_text import plain
from acn_eval.terminal.console import console

__all__ = ["bar"]


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self.unit}/s")


@contextmanager
def bar(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback of (done, total) that moves the bar."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        _Rate(unit),
        TimeRemainingColumn(),
    )
    err = console(stderr=True)
    # Steps of a large network may be shown half a minute apart: fewer than two have no speed.
    shown = Progress(
        *columns,
        console=err,
        transient=True,
        disable=not err.is_terminal,
        speed_estimate_period=120,
    )
    with shown as progress:
        task = progress.add_task(plain(what), total=1)
        yield lambda done, total: progress.update(task, completed=done, total=total)
