"""A report: one page that says what a comparison found, how, and how sure that is."""

from acn_eval.report.inputs import Material, material
from acn_eval.report.page import Block, Page, Text
from acn_eval.report.pictures import examples_of, pictures
from acn_eval.report.render import html, markdown
from acn_eval.report.sections import page_of

__all__ = [
    "Block",
    "Material",
    "Page",
    "Text",
    "examples_of",
    "html",
    "markdown",
    "material",
    "page_of",
    "pictures",
]
