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
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} {task.fields['unit']}/s" if task.speed else "")


@contextmanager
def bar(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback of (done, total) that moves the bar."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        _Rate(),
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
        task = progress.add_task(plain(what), total=1, unit=unit)
        yield lambda done, total: progress.update(task, completed=done, total=total)
