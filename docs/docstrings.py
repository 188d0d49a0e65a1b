"""Docstrings are plain text with doctests; the API reference needs them in Markdown."""

import re
from typing import Any

import griffe

__all__ = ["Markdown"]

DOCTEST = re.compile(r"(?:^>>> .*\n?(?:^\S.*\n?)*)+", re.MULTILINE)
FORMULA = re.compile(r"^\.\. math:: (.*)$", re.MULTILINE)


class Markdown(griffe.Extension):
    """Doctests and one-line formulas become blocks of code."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one module, class, function or attribute."""
        if obj.docstring:
            text = FORMULA.sub(r"    \1", obj.docstring.value)
            obj.docstring.value = DOCTEST.sub(r"```pycon\n\g<0>\n```\n", text)
