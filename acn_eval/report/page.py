"""What a page consists of: sections of a few kinds of blocks, shown as HTML and as Markdown."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from acn_eval.charts.canvas import Drawing
from acn_eval.foreign_text import markdown_table, plain

__all__ = ["Block", "Cell", "Drawing", "Exhibit", "Facts", "Gallery", "Items", "Page", "Picture"]
__all__ += ["Section", "Shown", "Source", "Span", "Table", "Text", "Wording", "listed"]


@dataclass(frozen=True)
class Cell:
    """One place of a table.

    Attributes:
        text: rounded, for reading.
        numbers: all digits of what is rounded, by name: value, low, high.
        mark: a class of the style sheet.
    """

    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under a head; the first cell of a row names it.

    Attributes:
        name: of the table in the page, e.g. ``"rows"``.
        folded: whether the table is closed until a reader opens it.
        copied: whether the page also offers it as Markdown and as CSV.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    name: str = ""
    folded: bool = False
    copied: bool = False

    @property
    def markdown(self) -> str:
        """The rounded text, as Markdown."""
        body = [tuple(cell.text for cell in row) for row in self.rows]
        return "\n".join(markdown_table(self.head, body))

    @property
    def csv(self) -> str:
        """All digits of the numbers, one column each, as CSV."""
        fields = [self._fields(i) for i in range(len(self.head))]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            plain(f"{name} {part}".strip())
            for name, parts in zip(self.head, fields, strict=True)
            for part in parts or ("",)
        )
        for row in self.rows:
            writer.writerow(
                cell.numbers.get(part, "") if part else plain(cell.text)
                for cell, parts in zip(row, fields, strict=True)
                for part in parts or ("",)
            )
        return text.getvalue()

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Which columns hold numbers."""
        return tuple(bool(self._fields(i)) for i in range(len(self.head)))

    def _fields(self, column: int) -> tuple[str, ...]:
        """Names of the numbers in a column; none where it is text."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row[column].numbers))


@dataclass(frozen=True)
class Text:
    """One paragraph; `mark` is a class of the style sheet."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Items:
    """A list of lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """A list of names with their values."""

    pairs: Mapping[str, str]


@dataclass(frozen=True)
class Shown:
    """The class that one network predicts; empty where only `right` is known."""

    network: str
    answer: str
    right: bool


@dataclass(frozen=True)
class Picture:
    """One image as a data URI, and what it is in words."""

    uri: str
    alt: str


@dataclass(frozen=True)
class Span:
    """Some words; `mark` is ``"new"``, ``"gone"``, ``"note"`` (of ours), or empty."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Wording:
    """Sentences, a line each."""

    lines: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True)
class Exhibit:
    """One example under one condition, and what the networks predict."""

    content: Picture | Wording
    shown: tuple[Shown, ...]


@dataclass(frozen=True)
class Gallery:
    """Examples in rows, and what was shown of them in columns (one level)."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Exhibit, ...]], ...]


@dataclass(frozen=True)
class Source:
    """Plain text to copy; it is closed until a reader opens it."""

    title: str
    text: str


Block = Table | Text | Items | Facts | Drawing | Gallery | Source


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it; `id` is its anchor."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    sections: tuple[Section, ...]


def listed(name: str, title: str, lines: Iterable[str]) -> Section:
    """Return a section of lines, each of them once."""
    found = tuple(dict.fromkeys(lines))
    return Section(name, title, (Items(found),) if found else ())
