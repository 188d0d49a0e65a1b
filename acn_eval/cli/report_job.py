"""What `acn-eval report` does between its options and its words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from acn_eval import atomic
from acn_eval.errors import AcnEvalError
from acn_eval.report import (
    Block,
    Material,
    Text,
    examples_of,
    html,
    markdown,
    material,
    page_of,
    pictures,
)
from acn_eval.terminal.console import say
from acn_eval.terminal.stored import stored
from acn_eval.tracking import attach, resolve_store

__all__ = ["run"]

_DEFAULT = ("acn-results",)


def run(options: Mapping[str, Any]) -> None:
    """Read what is stored, write the page, attach it where asked, and say where it is."""
    with stored(options["results"] or _DEFAULT, options["tracking_uri"]) as found:
        about = material(found, options["baseline"])
    page = page_of(about, _examples(about, options["data_root"]))
    text = html(page)
    atomic.write(options["out"], text)
    say(f"{page.title}: {options['out']}")
    if about.others:
        say(f"the newest comparison; {about.others} more are there: name one to see it")
    if options["markdown"]:
        atomic.write(options["markdown"], markdown(page))
        say(f"as Markdown: {options['markdown']}")
    if options["attach"]:
        store = resolve_store(options["tracking_uri"], cwd=Path.cwd())
        run_id = attach(store, about.suite, about.key, text, name="report.html")
        say(f"in MLflow: {store.shown}, run {run_id}, artifact report.html")


def _examples(about: Material, root: Path | None) -> tuple[Block, ...]:
    """Pictures; where the data is not there, the reason: the rest of the page stands."""
    if not about.candidates:
        return (Text("The results are not stored beside their comparison.", "note"),)
    try:
        return pictures(about, examples_of(about.candidates[0], root))
    except AcnEvalError as exc:
        return (Text(f"No example images: {exc}", "note"),)
