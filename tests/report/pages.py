"""Reads a page as a browser would: tables with their numbers, and everything that could act."""

from html.parser import HTMLParser

from acn_eval.report.page import Exhibit, Gallery, Shown
from acn_eval.report.wordings import wording
from acn_eval.texts import SentenceBatch

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)> & \"quoted\" 'text'",
    "a\x00b\x1b[31mred\x1b[0m\r\nnext\tline\x85\u2028end",
    "\u202eevil\u202c \u2066isolated\u2069 שלום עולם مرحبا",
    "👩\u200d👩\u200d👧 🇩🇪 e\u0301 \ud83d \uffff \U000e0041",
    "{{ page.title }} {% raw %} ${x} <!-- --> ]]> </mark></del></span></table>",
    "::error::lost ##vso[task] ::set-output name=a::b",
)


def gallery_of(texts):
    """Pairs, of which the first sentence became one of these."""
    contents = [
        wording(SentenceBatch(((t, "second"),)), SentenceBatch((("clean", "second"),)))
        for t in texts
    ]
    shown = (Shown("net", "positive", right=True),)
    rows = [(f"example {k}", (Exhibit(content, shown),)) for k, content in enumerate(contents)]
    return Gallery("hostile", ("example", "0.1"), tuple(rows))


class Reader(HTMLParser):
    """Tables by name as rows of (text, numbers); tags with their attributes; headings."""

    VOID = frozenset({"meta", "img", "link", "br", "input"})

    def __init__(self, text):
        super().__init__()
        self.tables, self.tags, self.headings, self.captions = {}, [], [], []
        self._table = self._row = self._cell = None
        self._open, self._heading, self._caption = [], None, None
        self.feed(text)
        self.close()
        assert self._open == [], "tags that were left open"

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if tag not in self.VOID and tag not in {"path", "rect", "circle"}:
            self._open.append(tag)
        if tag == "table":
            self._table = self.tables.setdefault(found.get("data-name", "?"), [])
        elif tag == "tr":
            self._row = []
        elif tag in {"td", "th"} and self._row is not None:
            numbers = {k[5:]: v for k, v in attributes if k.startswith("data-")}
            self._cell = ["", numbers]
        elif tag in {"h1", "h2", "h3"}:
            self._heading = [int(tag[1]), ""]
        elif tag == "caption":
            self._caption = ""

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, tag
        if tag in {"td", "th"} and self._cell is not None:
            self._row.append((" ".join(self._cell[0].split()), self._cell[1]))
            self._cell = None
        elif tag == "tr":
            self._table.append(self._row)
            self._row = None
        elif tag in {"h1", "h2", "h3"}:
            self.headings.append(tuple(self._heading))
            self._heading = None
        elif tag == "caption":
            self.captions.append(self._caption)
            self._caption = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell[0] += data
        if self._heading is not None:
            self._heading[1] += data
        if self._caption is not None:
            self._caption += data

    def rows(self, name):
        """The body of a table as mappings of head to (text, numbers)."""
        head, *body = self.tables[name]
        return [dict(zip([text for text, _ in head], row, strict=True)) for row in body]


def numbers(cell):
    """What a cell carries to the digit."""
    return {name: float(value) for name, value in cell[1].items()}
