"""What every command prints, at four widths and in a pipe.

``python -m tests.golden_output.outputs`` writes one text file per command. Results
are stored beside it, so nothing is measured or trained; ``--measure`` measures them anew, by the
commands whose numbers are recorded in ``tests/goldens``.
"""

import io
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console

from acn_eval.cli.main import cli, main
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import compare, look, rank
from acn_eval.studies.table import study_of
from acn_eval.terminal.comparisons import show_notes
from acn_eval.terminal.console import console
from acn_eval.terminal.sequential import show_interim

__all__ = ["FOLDER", "WIDTHS", "golden", "outputs", "rendered"]

FOLDER = Path(__file__).parent
STORED = FOLDER / "stored"
WIDTHS = (60, 80, 100, 120, None)
"""Columns of a terminal; None is a pipe."""
STUDIES = ("robustness_seeds", "compression", "pruning", "transfer", "low_data", "dynamics")
LISTS = ("suites", "tables", "data", "corruptions", "checkpoints", "metrics", "studies")
_PLACES = re.compile(
    rf"{re.escape(str(FOLDER.parents[1]))}|/\S*/acn-eval-golden-\w+|/\S+(?=/cache\b)"
)


@contextmanager
def _columns(width: int | None) -> Iterator[None]:
    """Be a terminal of this width, or a pipe."""
    with patch.dict(os.environ, {} if width is None else {"COLUMNS": str(width)}):
        if width is None:
            os.environ.pop("COLUMNS", None)
        yield


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """Remember what was computed at another width: numbers do not depend on it."""
    known: dict[str, Any] = {}

    def remembered(*entries: Any, metric: str | None = None) -> Any:
        key = str(metric) + str([[r.key for r in own] for e in entries for own in _parts(e)])
        if key not in known:
            known[key] = function(*entries, metric=metric)
        return known[key]

    return remembered


def _parts(entry: Any) -> list[Sequence[EvalResult]]:
    return list(entry.values()) if isinstance(entry, Mapping) else [entry]


_FAST = {
    "acn_eval.studies.compare.compare": _once(compare),
    "acn_eval.studies.compare.rank": _once(rank),
}


def command(arguments: Sequence[str], width: int | None) -> str:
    """Return what a command prints; paths of this machine are masked."""
    out = io.StringIO()
    with ExitStack() as stack:
        for name, function in _FAST.items():
            stack.enter_context(patch(name, function))
        for context in (_columns(width), redirect_stdout(out), redirect_stderr(out)):
            stack.enter_context(context)
        try:
            main(arguments)
        except SystemExit as exit:
            code = exit.code
    mark = "" if code in {0, None} else f"exit code {code}\n"
    return _PLACES.sub("...", out.getvalue()) + mark


def shown(show: Callable[[Console], None], width: int | None) -> str:
    """Return what a function prints."""
    out = io.StringIO()
    with _columns(width), redirect_stdout(out):
        show(console())
    return out.getvalue()


@cache
def results(name: str) -> tuple[EvalResult, ...]:
    """Stored results, in the order of their names; candidates come first."""
    return tuple(EvalResult.load(folder) for folder in sorted((STORED / name).iterdir()))


@cache
def pairs(name: str) -> tuple[tuple[tuple[EvalResult, ...], Comparison], ...]:
    """Stored results of one question, and their comparison; continual learning has several."""
    groups: dict[str, list[EvalResult]] = {}
    for result in results(name):
        groups.setdefault(str(result.checkpoint.training.get("method", "")), []).append(result)
    return tuple((tuple(own), compare(*_sides(own))) for own in groups.values())


def _sides(own: Sequence[EvalResult]) -> tuple[list[EvalResult], list[EvalResult]]:
    first = own[0].checkpoint.arch
    is_ours = [result.checkpoint.arch == first for result in own]
    return (
        [result for result, ours in zip(own, is_ours, strict=True) if ours],
        [result for result, ours in zip(own, is_ours, strict=True) if not ours],
    )


def study(name: str, out: Console) -> None:
    """One study, candidate against baseline."""
    ((own, comparison),) = pairs(name)
    study_of(own[0].suite).tables.show(out, own, comparison)
    show_notes(out, own, [comparison])


def sequential(name: str, out: Console) -> None:
    """The first pair of a study, as if it had been shown block by block."""
    one, other = _sides(results(name))
    found = look(one[0], other[0], total=one[0].data.n)
    assert found is not None
    show_interim(out, found, [one[0], other[0]])


def alone(name: str, count: int, out: Console) -> None:
    """One study without a baseline."""
    own = results(name)[:count]
    study_of(own[0].suite).tables.show(out, own, None)
    show_notes(out, own, [])


def timed(out: Console) -> None:
    """Compression with every column, as on a machine that nothing disturbs; times are made up."""
    first = results("compression")[0]
    own = replace(first, details={**first.details, **_timed(first.details)})
    study_of(own.suite).tables.show(out, [own], None)


def _timed(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return costs that grow with the exit, and early exits in batches of 32."""
    batches = {"batch1": 1, "batch32": 32, "batch64": 64, "early": 1, "early32": 32}

    def time(batch: int, exit: int) -> dict[str, Any]:
        median = (1 + exit) * batch**0.5
        return {"batch": batch, "median_ms": median, "p95_ms": 1.5 * median, "steady": True}

    def cost(row: Mapping[str, Any]) -> dict[str, Any]:
        times = {name: time(batch, row["exit"]) for name, batch in batches.items()}
        return {**row, "linear_flops": 0.9 * row["flops"], **times}

    def early(row: Mapping[str, Any]) -> dict[str, Any]:
        alone, left = 1 + row["mean_exit"], (0.0, 0.6, 0.3, 0.004, 0.096)
        return {**row, "milliseconds": alone, "milliseconds_in_batch": alone / 4, "left": left}

    changed = {"costs": cost, "early_exit": early}
    return {name: [change(row) for row in details[name]] for name, change in changed.items()}


def overview(name: str, out: Console) -> None:
    """Several groups of one study."""
    own, comparisons = results(name), [comparison for _, comparison in pairs(name)]
    study_of(own[0].suite).tables.overview(out, own, comparisons)
    show_notes(out, own, comparisons)


def folder(name: str, place: int) -> str:
    """A stored result, as one types it."""
    return str(sorted((STORED / name).iterdir())[place])


def _commands() -> dict[str, tuple[str, ...]]:
    one, same, other = (folder("robustness_seeds", i) for i in (0, 1, 3))
    every = str(STORED / "robustness_seeds")
    judged = ("gate", "--against", other, "--result")
    return {
        "help": ("--help",),
        **{f"help_{name}": (name, "--help") for name in cli.list_commands(None)},  # type: ignore[arg-type]
        "compare": ("compare", one, other),
        "compare_explained": ("compare", one, other, "--explain", "--wide"),
        "compare_quiet": ("compare", one, other, "-q"),
        "compare_ranking": ("compare", every),
        "compare_group": ("compare", every, "--group"),
        "gate_no_verdict": (*judged, one),
        "gate_identical": (*judged, other),
        "gate_quiet": (*judged, same, "-q"),
        "plan": ("plan", "--n", "10000", "--discordance", "0.06"),
        "plan_few": ("plan", "--n", "100"),
        **{f"list_{what}": ("list", what) for what in LISTS},
        "plan_suite": ("plan", "--suite", "robustness", "--n", "352"),
        "cache": ("cache", "info"),
        "report": ("report", one, other, "--out", "report.html"),
    }


def outputs() -> dict[str, Callable[[int | None], str]]:
    """Return every output as a function of the width."""
    made: dict[str, Callable[[int | None], str]] = {
        name: partial(command, arguments) for name, arguments in _commands().items()
    }
    made |= {name: partial(shown, partial(study, name)) for name in STUDIES}
    made["compression_timed"] = partial(shown, timed)
    made["robustness_sequential"] = partial(shown, partial(sequential, "robustness_seeds"))
    made |= {
        f"{name}_alone": partial(shown, partial(alone, name, count))
        for name, count in (
            ("robustness_seeds", 3),
            ("compression", 1),
            ("pruning", 1),
            ("transfer", 1),
            ("low_data", 3),
            ("dynamics", 2),
        )
    }
    return made | {"continual": partial(shown, partial(overview, "continual"))}


def rendered(show: Callable[[int | None], str]) -> str:
    """Return an output at all widths, one below the other."""
    parts = []
    for width in WIDTHS:
        title = "piped" if width is None else f"{width} columns"
        lines = (line.rstrip() for line in show(width).rstrip().splitlines())
        parts.append("\n".join([f"{f'== {title} ':=<60}", *lines]) + "\n")
    return "\n".join(parts)


def golden(name: str) -> str:
    """Return an output as it was recorded."""
    return (FOLDER / f"{name}.txt").read_text()


def _measure() -> None:
    from tests.goldens.commands import COMMANDS
    from tests.goldens.record import measured

    names = {*STUDIES, "continual"}
    with tempfile.TemporaryDirectory() as root:
        measured([command for command in COMMANDS if command.name in names], Path(root))
        shutil.rmtree(STORED)
        for file in Path(root).glob("*/acn-results/*/*"):
            if file.name == "result.json" or file.suffix == ".parquet":
                kept = STORED / file.relative_to(root).parts[0] / file.parent.name
                kept.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, kept)


def _main() -> None:
    if "--measure" in sys.argv:
        _measure()
    with tempfile.TemporaryDirectory(prefix="acn-eval-golden-") as place:
        os.environ["ACN_EVAL_CACHE"] = f"{place}/cache"
        os.chdir(place)
        texts = {name: rendered(show) for name, show in outputs().items()}
    for file in FOLDER.glob("*.txt"):
        file.unlink()
    for name, text in texts.items():
        (FOLDER / f"{name}.txt").write_text(text)


if __name__ == "__main__":
    _main()
