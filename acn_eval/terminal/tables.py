"""The table that fits every terminal: columns are hidden or stacked, and numbers stay whole."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

__all__ = ["Column", "show_table"]

_GAP = 2
_NARROWEST = 14  # of a column whose words may wrap
_SHORT = 8  # a head of so few characters does not wrap
_INTERVAL = re.compile(r" \[[^]]*\]")
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


@dataclass(frozen=True)
class _Grid:
    columns: tuple[Column, ...]
    rows: _Rows

    def widths(self, *, wrapped: bool) -> list[int]:
        """Return what every column needs; heads and texts may be wrapped between words."""
        return [self._width(i, column, wrapped) for i, column in enumerate(self.columns)]

    def _width(self, place: int, column: Column, wrapped: bool) -> int:
        cells = [row[place] for row in self.rows]
        if not wrapped:
            return max(map(cell_len, (column.head, *cells)))
        words = [word for cell in (*cells, column.head) for word in cell.split()]
        if column.text or place == 0:
            natural = max(map(cell_len, (column.head, *cells)))
            return max(*map(cell_len, words), min(natural, _NARROWEST))
        head = column.head.split() if cell_len(column.head) > _SHORT else [column.head]
        return max(map(cell_len, (*cells, *head)))

    def fits(self, width: int) -> bool:
        """Whether it does with its words wrapped."""
        return _total(self.widths(wrapped=True)) <= width

    def highest(self) -> int:
        """What is hidden next; 0 where nothing may be."""
        return max(max(column.rank, column.interval) for column in self.columns)

    def hide(self, rank: int) -> tuple[list[str], "_Grid"]:
        """Hide the columns and the intervals of one rank; returns what they are called."""
        own = [c for c in self.columns if rank in {c.rank, c.interval}]
        names = [c.head if c.rank == rank else f"intervals of {_bare(c.head)}" for c in own]
        kept = [i for i, column in enumerate(self.columns) if column.rank != rank]
        columns = tuple(self.columns[i] for i in kept)
        rows = [
            [
                _INTERVAL.sub("", row[i]) if self.columns[i].interval == rank else row[i]
                for i in kept
            ]
            for row in self.rows
        ]
        return names, _Grid(tuple(_settled(c, rank) for c in columns), rows)

    def filled(self) -> "_Grid":
        """Leave out columns that have no content."""
        kept = [
            i for i, _ in enumerate(self.columns) if i == 0 or any(row[i] for row in self.rows)
        ]
        rows = [[row[i] for i in kept] for row in self.rows]
        return _Grid(tuple(self.columns[i] for i in kept), rows)


def _bare(head: str) -> str:
    return head.removesuffix(" %")


def _settled(column: Column, rank: int) -> Column:
    return replace(column, interval=0) if column.interval == rank else column


def show_table(out: Console, columns: Sequence[Column], rows: _Rows) -> None:
    """Print a table: whole, with columns hidden, or as one block per row, whatever fits.

    Args:
        out: as wide as the terminal; where it is not one, wide enough for everything.
        columns: the first names the row; those without any content are left out.
        rows: one text per column.
    """
    whole = grid = _Grid(tuple(columns), rows).filled()
    hidden: list[str] = []
    while not grid.fits(out.width):
        rank = grid.highest()
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
    widths = grid.widths(wrapped=False)
    if _total(widths) > out.width:
        widths = _widened(grid, out.width)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 0, 0, _GAP))
    for place, (column, width) in enumerate(zip(grid.columns, widths, strict=True)):
        left = column.text or place == 0
        table.add_column(column.head, justify="left" if left else "right", width=width)
    for row in grid.rows:
        table.add_row(*row)
    out.print(table)


def _widened(grid: _Grid, width: int) -> list[int]:
    """Give columns what they need, and the room that is left to those that had to wrap."""
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
