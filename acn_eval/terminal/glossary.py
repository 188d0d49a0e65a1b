"""Explains the terms of an output from docs/glossary.md, briefly or in a paragraph each."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acn_eval.shipped import shipped

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Term", "explain", "legend", "terms"]

_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")


@dataclass(frozen=True)
class Term:
    """One row of the glossary.

    Attributes:
        name: with its synonyms, separated by commas.
        brief: at most ten words; empty where the name suffices.
        meaning: one paragraph.
    """

    name: str
    brief: str
    meaning: str

    def stands_in(self, text: str) -> str:
        """Return the synonym that a text uses; empty where it uses none."""
        for name in self.name.split(", "):
            flags = re.IGNORECASE if name.islower() else re.NOFLAG
            if re.search(rf"(?<![\w-]){re.escape(name)}s?(?![\w-])", text, flags):
                return name
        return ""


def terms() -> list[Term]:
    """Return the glossary in the order of the page."""
    lines = (shipped("docs") / "glossary.md").read_text().splitlines()
    rows = ([_plain(cell) for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|")
    return [Term(*row) for row in rows if row[0] != "term" and set(row[0]) != {"-"}]


def legend(out: "Console") -> None:
    """Print brief explanations of terms that the output used and did not explain yet."""
    text = _printed(out)
    new = [
        f"{used}: {term.brief}"
        for term in terms()
        if term.brief and (used := term.stands_in(text)) and f"{used}: {term.brief}" not in text
    ]
    if new:
        out.print(f"{'; '.join(new)}.", style="dim")


def explain(out: "Console") -> None:
    """Print one paragraph for each term that the output used."""
    text = _printed(out)
    used = [f"{term.name}: {term.meaning}" for term in terms() if term.stands_in(text)]
    if used:
        for line in ("", "Terms, from docs/glossary.md:", *used):
            out.print(line)


def _printed(out: "Console") -> str:
    """The text so far, without its line breaks; a console may keep no record."""
    return " ".join(out.export_text(clear=False).split()) if out.record else ""


def _plain(cell: str) -> str:
    return _LINK.sub(r"\1", cell).replace("*", "").strip()
