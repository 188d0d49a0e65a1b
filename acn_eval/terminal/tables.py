"""The table that fits every terminal: columns are hidden or stacked, and numbers stay whole."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["Column", "show_table"]

_GAP = 2
_NARROWEST = 14  # of a column whose words may wrap
_SHORT = 8  # a head of so few characters does not wrap
_INTERVAL = re.compile(r" \[[^]]*\]")
_UNIT = re.compile(r" (%|nats)$")
_WHOLE = re.compile(r" = |\([^)]*\)")  # where a head does not wrap: `n = 96`, `(3 seeds)`
_TIE = "\ue000"
_Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        head: what stands above; it may wrap between words.
        rank: where the terminal is narrow, the highest is hidden first; 0 is never hidden.
        interval: the same of the intervals in the column, ``[low, high]``.
        text: whether cells hold words, which stand left and may wrap; numbers never do.
    """

    head: str
    rank: int = 0
    interval: int = 0
    text: bool = False

    def lines(self, width: int = 1) -> list[str]:
        """Return the head in lines of at most a width, as far as its words allow."""
        tied = _WHOLE.sub(lambda own: own[0].replace(" ", _TIE), self.head)
        lines = wrap(tied, width, break_long_words=False, break_on_hyphens=False)
        return [line.replace(_TIE, " ") for line in lines]


@dataclass(frozen=True)
class _Grid:
    columns: tuple[Column, ...]
    rows: _Rows

    def widths(self, *, wrapped: bool) -> list[int]:
        """Return what every column needs; heads and texts may be wrapped between words."""
        return [self._width(i, column, wrapped) for i, column in enumerate(self.columns)]

    def _width(self, place: int, column: Column, wrapped: bool) -> int:
        cells = [row[place] for row in self.rows]
        natural = max(map(cell_len, (column.head, *cells)))
        if not wrapped:
            return natural
        if column.text or place == 0:
            words = [*column.lines(), *(word for cell in cells for word in cell.split())]
            return max(*map(cell_len, words), min(natural, _NARROWEST))
        heads = column.lines() if cell_len(column.head) > _SHORT else [column.head]
        return max(map(cell_len, (*cells, *heads)))

    def hide(self, rank: int) -> tuple[list[str], "_Grid"]:
        """Hide the columns and the intervals of one rank; returns what they are called."""
        own = [c for c in self.columns if rank in {c.rank, c.interval}]
        names = [
            c.head if c.rank == rank else f"intervals of {_UNIT.sub('', c.head)}" for c in own
        ]
        kept = [i for i, column in enumerate(self.columns) if column.rank != rank]
        bare = {i for i in kept if self.columns[i].interval == rank}
        columns = (
            replace(c, interval=c.interval if c.interval != rank else 0) for c in self.columns
        )
        rows = [
            [_INTERVAL.sub("", row[i]) if i in bare else row[i] for i in kept] for row in self.rows
        ]
        return names, _Grid(tuple(c for c in columns if c.rank != rank), rows)


def show_table(out: Console, columns: Sequence[Column], rows: _Rows) -> None:
    """Print a table: whole, with columns hidden, or as one block per row, whatever fits.

    Args:
        out: as wide as the terminal; where it is not one, wide enough for everything.
        columns: the first names the row; those without any content are left out.
        rows: one text per column.
    """
    kept = [i for i in range(len(columns)) if i == 0 or any(row[i] for row in rows)]
    whole = grid = _Grid(tuple(columns[i] for i in kept), [[row[i] for i in kept] for row in rows])
    hidden: list[str] = []
    while _total(grid.widths(wrapped=True)) > out.width:
        rank = max(max(column.rank, column.interval) for column in grid.columns)
        if not rank:
            _show_stacked(out, whole)
            return
        names, grid = grid.hide(rank)
        hidden += names
    _show_grid(out, grid)
    if hidden:
        what = ", ".join(hidden)
        out.print(f"Hidden at this width: {what}. --wide shows everything.", style="dim")


def _show_grid(out: Console, grid: _Grid) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 0, 0, _GAP))
    for place, (column, width) in enumerate(
        zip(grid.columns, _fitted(grid, out.width), strict=True)
    ):
        left = column.text or place == 0
        head = Text("\n").join(map(out.render_str, column.lines(width)))
        table.add_column(head, justify="left" if left else "right", width=width)
    for row in grid.rows:
        table.add_row(*row)
    out.print(table)


def _fitted(grid: _Grid, width: int) -> list[int]:
    """Give columns what they need, and the room that is left to those that have to wrap."""
    widths, natural = grid.widths(wrapped=True), grid.widths(wrapped=False)
    room = width - _total(widths)
    for place, wanted in enumerate(natural):
        more = min(room, wanted - widths[place])
        widths[place] += more
        room -= more
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _show_stacked(out: Console, grid: _Grid) -> None:
    """One block per row, in which nothing is hidden; long cells have lines of their own."""
    for name, *cells in grid.rows:
        out.print(name, style="bold")
        for column, cell in zip(grid.columns[1:], cells, strict=True):
            if cell:
                fits = cell_len(f"  {column.head}: {cell}") <= out.width
                out.print(f"  {column.head}:{' ' if fits else f'{chr(10)}    '}{cell}")
