"""Writes the page about a stored comparison."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from acn_eval.errors import AcnEvalError
from acn_eval.report.examples import examples_of, galleries
from acn_eval.report.inputs import Material, Standing, material
from acn_eval.report.page import Block, Page, Text
from acn_eval.report.ranking import ranking_page
from acn_eval.report.render import html, markdown
from acn_eval.report.sections import page_of
from acn_eval.stores import resolve_store
from acn_eval.tracking import attach, stored

__all__ = ["Report", "report"]


@dataclass(frozen=True)
class Report:
    """One page, and what it is about."""

    page: Page
    about: Material | Standing

    def html(self) -> str:
        """Return the page as one HTML file that needs no other."""
        return html(self.page)

    def markdown(self) -> str:
        """Return the tables as Markdown."""
        return markdown(self.page)

    def attach(self, tracking_uri: str | None = None) -> str:
        """Add ``report.html`` to the artifacts of its MLflow run; return where, in words.

        Raises:
            ConfigError: there is no such run.
            TrackingError: the store does not answer.
        """
        store = resolve_store(tracking_uri, cwd=Path.cwd())
        about = self.about
        run = attach(store, about.suite, about.key, self.html(), name="report.html")
        return f"{store.shown}, run {run}, artifact report.html"


def report(
    results: Sequence[str],
    *,
    baseline: str | None = None,
    root: Path | None = None,
    tracking_uri: str | None = None,
) -> Report:
    """Return the page about stored results.

    Args:
        results: folders of a result, of a comparison, or of several; or ``runs:/ID``.
        baseline: name of the network that is the baseline; see `report.material` for the default.
        root: folder of the data sets, for the examples.
        tracking_uri: MLflow store of ``runs:/ID``.

    Raises:
        ConfigError: no such network or run, or results of different questions.
        DataError: no such folder, or one without results.
    """
    with stored(results, tracking_uri) as found:
        about = material(found, baseline)
        if isinstance(about, Standing):
            return Report(ranking_page(about), about)
        return Report(page_of(about, _examples(about, root)), about)


def _examples(about: Material, root: Path | None) -> tuple[Block, ...]:
    """Examples; where the data are missing, the reason."""
    if not about.candidates:
        return (Text("The results are not stored beside their comparison.", "note"),)
    try:
        return galleries(about, examples_of(about.candidates[0], root), root)
    except AcnEvalError as exc:
        return (Text(f"The examples are not shown: {exc}", "note"),)
