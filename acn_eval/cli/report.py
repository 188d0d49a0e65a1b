"""`acn-eval report`: one page with everything that a stored comparison says."""

from pathlib import Path
from typing import Any

import click

from acn_eval import atomic
from acn_eval.terminal.console import say

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval report
      the newest comparison in acn-results
  acn-eval report acn-results/compare-ac_vit-res_vit-* --out night.html
  acn-eval report A B --baseline res_vit --markdown night.md
  acn-eval report runs:/0f3a --attach

\b
The page asks the network for nothing: mail it, print it, or attach it to its MLflow run."""
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=_EPILOG, context_settings={"max_content_width": 100})
@click.argument("results", metavar="[RESULT]...", nargs=-1)
@click.option("--baseline", metavar="NAME", help="Which network is the baseline.")
@click.option("--out", type=_FILE, default=Path("report.html"), show_default=True)
@click.option("--markdown", type=_FILE, help="Write the same tables as Markdown.")
@click.option(
    "--data-root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="ACN_EVAL_DATA",
    help="Folder that holds data sets, for example images [env: ACN_EVAL_DATA].",
)
@click.option("--attach", is_flag=True, help="Put report.html among the artifacts of its run.")
@click.option("--tracking-uri", help="MLflow store [env: MLFLOW_TRACKING_URI].")
def command(
    results: tuple[str, ...], out: Path, markdown: Path | None, attach: bool, **given: Any
) -> None:
    """Write one page: verdict, curves, tables, example images, method, and all digests.

    RESULT is the folder of a result or comparison, a folder that holds several (the newest
    comparison is taken), or runs:/ID of MLflow; by default acn-results. Of two results without a
    stored comparison the baseline is --baseline, else the residual network, else the second.
    """
    from acn_eval import workflow  # imports torch and kornia

    store = given["tracking_uri"]
    made = workflow.report(
        results or ("acn-results",),
        baseline=given["baseline"],
        root=given["data_root"],
        tracking_uri=store,
    )
    atomic.write(out, made.html())
    say(f"{made.page.title}: {out}")
    if made.about.others:
        say(f"the newest comparison; {made.about.others} more are there: name one to see it")
    if markdown:
        atomic.write(markdown, made.markdown())
        say(f"as Markdown: {markdown}")
    if attach:
        say(f"in MLflow: {made.attach(store)}")
