"""Turns a page into one self-contained HTML file, or into Markdown."""

from collections.abc import Iterator
from itertools import count

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from acn_eval.charts.canvas import inline
from acn_eval.foreign_text import markdown as escaped
from acn_eval.foreign_text import plain, visible
from acn_eval.report.page import Block, Drawing, Facts, Gallery, Items, Page, Source, Table, Text

__all__ = ["html", "markdown"]


def html(page: Page) -> str:
    """Return the page as HTML that asks the network for nothing.

    Every text is escaped; only the drawings and pictures, which are made here, are not.
    """
    loader = PackageLoader("acn_eval.report")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, finalize=visible
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    number = count(1)
    environment.filters["inlined"] = lambda panel: Markup(inline(panel, f"chart {next(number)}"))
    environment.filters["shape"] = lambda block: type(block).__name__
    style = loader.get_source(environment, "report.css")[0]
    return environment.get_template("report.html").render(page=page, style=style)


def markdown(page: Page) -> str:
    """Return the page as Markdown, without its drawings and pictures."""
    lines = [f"# {escaped(page.title)}"]
    for section in page.sections:
        shown = [line for block in section.blocks for line in _lines(block)]
        if shown:
            lines += ["", f"## {escaped(section.title)}", *shown]
    return "\n".join(lines) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Text(text, mark):
            bold = "**" if mark.startswith("verdict") else ""
            yield from ("", f"{bold}{escaped(text)}{bold}")
        case Items(lines):
            yield from ("", *(f"- {escaped(line)}" for line in lines))
        case Facts(pairs):
            yield from ("", *(f"- {escaped(f'{name}: {text}')}" for name, text in pairs.items()))
        case Table():
            yield from ("", f"{escaped(block.caption)}:", "", block.markdown)
        case Source(title, text):
            fenced = "\n".join(f"    {plain(line)}" for line in text.splitlines())
            yield from ("", f"{escaped(title)}:", "", fenced)
        case Drawing() | Gallery():
            return
