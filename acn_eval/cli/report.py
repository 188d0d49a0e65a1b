"""`acn-eval report`: one page with everything that a stored comparison says."""

from pathlib import Path
from typing import Any

import click

from acn_eval import atomic
from acn_eval.lazy import uncollected
from acn_eval.terminal.console import say
from acn_eval.terminal.options import FILE, Titled, data_root_option, tracking_option

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval report
      the newest comparison in acn-results
  acn-eval report acn-results/compare-* --out night.html
  acn-eval report A B --baseline res_vit --markdown a.md
  acn-eval report runs:/0f3a --attach

The page needs no network: mail it, print it, or attach it to its MLflow run."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("results", metavar="[RESULT]...", nargs=-1)
@click.option("--baseline", metavar="NAME", help="Network that is the baseline.")
@click.option("--out", type=FILE, default=Path("report.html"), help="Page to write.")
@click.option("--markdown", type=FILE, help="Write the same tables as Markdown.")
@click.option("--attach", is_flag=True, help="Add report.html to the artifacts of the MLflow run.")
@data_root_option
@tracking_option
def command(
    results: tuple[str, ...], out: Path, markdown: Path | None, attach: bool, **given: Any
) -> None:
    """Write one page: verdict, curves, tables, examples, method, and all digests.

    RESULT is the folder of a result or a comparison, a folder that holds several, of which the
    newest comparison is taken, or runs:/ID of MLflow; by default it is acn-results. The baseline
    of two results without a stored comparison is --baseline, else the residual network, else the
    second one.
    """
    with uncollected():
        from acn_eval.workflow.reporting import report  # imports torch

    made = report(
        results or ("acn-results",),
        baseline=given["baseline"],
        root=given["data_root"],
        tracking_uri=given["tracking_uri"],
    )
    atomic.write(out, made.html())
    say(f"{made.page.title}: {out}")
    if made.about.others:
        say(f"This is the newest of {made.about.others + 1}; name one to see it.")
    if markdown:
        atomic.write(markdown, made.markdown())
        say(f"as Markdown: {markdown}")
    if attach:
        say(f"in MLflow: {made.attach(given['tracking_uri'])}")
