"""Prints the verdict of a gate, and writes files for CI servers."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from acn_eval import atomic
from acn_eval.gate import Verdict
from acn_eval.gate.junit import junit
from acn_eval.gate.markdown import SUMMARY_LIMIT, annotations, markdown, outputs
from acn_eval.gate.sentence import LABEL, cells, head, legend
from acn_eval.terminal.console import console, show_warnings, write_json
from acn_eval.terminal.options import Output
from acn_eval.terminal.tables import Column, show_table

__all__ = ["GateOutput", "say_verdict"]

_STYLE = {"pass": "bold green", "fail": "bold red", "no_verdict": "bold yellow"}
_COLUMNS = ((0, True), (0, False), (0, False), (0, True), (3, False), (2, False), (4, True))
"""Rank and kind of each column of `cells`, see `Column`."""


@dataclass(frozen=True)
class GateOutput(Output):
    """The output of every command, and files for CI servers."""

    junit: Path | None = None
    markdown: Path | None = None


def say_verdict(output: GateOutput, verdict: Verdict, lines: Sequence[str] = ()) -> None:
    """Write the files, and print the verdict with further lines below it.

    Raises:
        OSError: one of them could not be written; all the others are.
    """
    failures: list[OSError] = []
    printing: Callable[[], Any] = partial(_print, output, verdict, lines)
    for write in (*_reports(output, verdict), printing):
        try:
            write()
        except OSError as exc:
            failures.append(exc)
    if failures:
        raise failures[0]


def _print(output: Output, verdict: Verdict, lines: Sequence[str]) -> None:
    if output.json_file == "-":
        return
    out = console()
    if output.quiet:
        out.print(_headline(verdict), style=_STYLE[verdict.verdict], soft_wrap=True)
    else:
        _show(out, verdict)
        for line in lines:
            out.print(line, style="dim")
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for command in annotations(verdict):
            sys.stdout.write(command + "\n")


def _show(out: Console, verdict: Verdict) -> None:
    out.print(_headline(verdict), style=_STYLE[verdict.verdict])
    if verdict.rules:
        out.print()
        columns = [
            Column(name, rank=rank, text=text)
            for name, (rank, text) in zip(head(verdict), _COLUMNS, strict=True)
        ]
        show_table(out, columns, [cells(row) for row in verdict.rules])
        out.print(legend(verdict), style="dim")
    show_warnings(out, verdict.warnings)


def _reports(output: GateOutput, verdict: Verdict) -> Iterator[Callable[[], Any]]:
    if output.json_file:
        document = verdict.to_dict() | {"exit_code": verdict.exit_code}
        yield partial(write_json, output.json_file, document)
    if output.junit:
        yield partial(atomic.write, output.junit, junit(verdict))
    if output.markdown:
        yield partial(atomic.write, output.markdown, markdown(verdict))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        yield partial(_append, Path(summary), markdown(verdict))
    if runner := os.environ.get("GITHUB_OUTPUT"):
        yield partial(_append, Path(runner), outputs(verdict))


def _headline(verdict: Verdict) -> str:
    return f"{LABEL[verdict.verdict]}: {verdict.sentence}"


def _append(path: Path, text: str) -> None:
    """Append what fits: GitHub drops a summary that is too large as a whole."""
    with path.open("ab") as file:
        file.write(text.encode()[: max(SUMMARY_LIMIT - file.tell(), 0)])
