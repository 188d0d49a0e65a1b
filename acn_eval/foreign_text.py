r"""Renders text from outside: names and messages of files, servers, libraries and users.

`plain` is safe in a terminal, a log, XML, HTML (beside the escaping of its writer) and an MLflow
tag; `shown` leaves out secrets of addresses; `markdown` and `drawn` are for Markdown and for
Matplotlib. All but `shown` return one line of at most ``limit`` characters, with escapes such as
``\x1b`` for invisible ones.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

__all__ = [
    "drawn",
    "file_name",
    "is_unicode",
    "markdown",
    "markdown_table",
    "plain",
    "shortened",
    "shown",
    "visible",
]

_LIMIT = 5000  # a verdict over fifty rules is shorter
# Commands of GitHub's and Azure's runners, wherever they stand: a long line may be broken there.
_COMMAND = re.compile(r"::[a-z].*?::", re.IGNORECASE)
_BEGINS = re.compile(r"(?<!\w):(?=:[a-z])|#(?=#\w*\[)", re.IGNORECASE)
_PAIR = re.compile(":(?=:)|#(?=#)")
_ENTITY = {ord("&"): "&amp;", ord("<"): "&lt;", ord("$"): "&#36;"}
_LIVE = re.compile(
    r"[`*~|\\]"
    r"|(?<!\w)_|_(?!\w)"
    r"|\](?=[(\[:])"  # a bracket alone is no link: intervals stay readable
    r"|:(?=//)|(?<=www)\."
    r"|^[#>]|^[-+=](?=[\s=-]|$)|(?<=^\d)[.)]",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
# Up to the last `@`: in the host, or behind what is no port, as of a password with a slash.
_USER = re.compile(r"(?<=://)(?:[^\s/?#]{0,999}@|[^\s/?#@:]{0,99}:(?!\d+(?:[/?#]|$))\S{0,999}@)")
_SECRET = re.compile(
    r"([?&;][\w.%-]{0,40}(?:pass|pwd|secret|token|(?:api|access|private)[_-]?key|sig|auth|cred)"
    r"[\w.%-]{0,40}=|\b(?:password|passwd|pwd)=)"
    r"[^\s&;#'\"]+",
    re.IGNORECASE,
)


def shown(text: str) -> str:
    """Return the text with the users of its addresses left out and secret values masked.

    Whatever is no address stays as it is; nothing is an error.

    >>> shown("http://me:secret@lab:5000/?token=abc&page=2")
    'http://lab:5000/?token=***&page=2'
    >>> shown("http://[x")
    'http://[x'
    """
    return _SECRET.sub(r"\1***", _USER.sub("", text))


def plain(text: str, limit: int = _LIMIT) -> str:
    r"""Return the text without what moves a cursor, reorders letters or commands a CI server.

    >>> plain("a\x1b[31m\nb")
    'a\\x1b[31m\\nb'
    >>> plain("::error::all is lost")
    '\\x3a:error\\x3a:all is lost'
    """
    seen = shortened(text, limit)
    if not seen.isprintable():
        seen = "".join(c if _is_seen(c) else _escape(c) for c in seen)
    begins = _PAIR if _COMMAND.search(seen) else _BEGINS
    return shortened(begins.sub(lambda found: f"\\x{ord(found[0]):x}", seen), limit)


def markdown(text: str, limit: int = _LIMIT) -> str:
    r"""Return the text as Markdown that shows it: no link, mention, HTML, emphasis or new cell.

    >>> markdown("[click](http://x) | <b>ac_vit</b> [-1.2, +0.6]")
    '[click\\](http\\://x) \\| &lt;b>ac_vit&lt;/b> [-1.2, +0.6]'
    """
    shown = _LIVE.sub(r"\\\g<0>", plain(text, limit).strip()).translate(_ENTITY)
    return _MENTION.sub("@&#8203;", shown)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    r"""Return the lines of a table in Markdown.

    >>> markdown_table(["name", "n"], [["a|b", "3"]])
    ['| name | n |', '| --- | --- |', '| a\\|b | 3 |']
    """
    first, *rest = ("| " + " | ".join(map(markdown, line)) + " |" for line in (head, *rows))
    return [first, "|" + " --- |" * len(head), *rest]


def file_name(text: str, limit: int = 80) -> str:
    r"""Return the text as a part of the name of a file, in at most so many bytes.

    >>> file_name("runs/ac vit (2 seeds)\x1b")
    'runs_ac_vit_2_seeds'
    """
    kept = "".join(c if c.isalnum() or c in "._-" else " " for c in text)
    return "_".join(kept.split()).encode()[:limit].decode(errors="ignore")


def drawn(text: str, limit: int = _LIMIT) -> str:
    r"""Return the text for Matplotlib: no formula, and no label that its legends leave out.

    >>> drawn("_a$b$")
    ' _a\\$b\\$'
    """
    shown = plain(text, limit).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def visible(value: object) -> object:
    """Return what a template inserts: text as `plain`; markup is no plain string, and stays."""
    return plain(value) if type(value) is str else value


def shortened(text: str, limit: int) -> str:
    """Return the text with its middle left out where it has more characters than the limit.

    >>> shortened("weights/of/the/network.pt", 15)
    'weights…work.pt'
    """
    if len(text) <= limit:
        return text
    head, tail = limit // 2, (limit - 1) // 2
    return f"{text[:head]}…{text[len(text) - tail :]}"


def is_unicode(text: str) -> bool:
    r"""Whether a text can be encoded: names of bytes that are no UTF-8 hold surrogates.

    >>> is_unicode("é"), is_unicode("\udce9")
    (True, False)
    """
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _is_seen(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()
