"""Prints results: the answer first, then how sure it is, then the details."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console

from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics import Accuracy, Comparison, Estimate, Finding, ManifestRow, Row
from acn_eval.statistics.metrics import metric_of
from acn_eval.statistics.quantity import SHARE, Quantity
from acn_eval.studies.compare import compare, metrics_for, summarize
from acn_eval.studies.table import analysis_of
from acn_eval.terminal.console import show_warnings
from acn_eval.terminal.glossary import legend
from acn_eval.terminal.tables import Column, show_table

__all__ = [
    "answer_alone",
    "duration",
    "interval",
    "limits",
    "milliseconds",
    "probability",
    "show_accuracies",
    "show_answer",
    "show_comparison",
    "show_conditions",
    "show_details",
    "show_disturbed",
    "show_finding_table",
    "show_findings",
    "show_manifest",
    "show_notes",
    "show_other_metrics",
    "show_rows",
]

_STYLE = {"better": "bold green", "worse": "bold red", "tie": "bold", "identical": "bold"}
_SAMPLES = {
    "checkpoints": "The sample is the examples: this is about these files.",
    "architectures": "The sample is seeds and examples: this is about the architectures.",
    "draws": "The sample is draws and examples: this is about other draws of these sizes.",
}


def show_comparison(out: Console, comparison: Comparison) -> None:
    """Print the answer, all conditions, the findings and the fair-pair manifest."""
    show_answer(out, (), comparison)
    show_rows(out, comparison, comparison.rows)
    show_details(out, comparison)


def show_answer(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str | None = None,
) -> None:
    """Print the answer in plain words, and how sure it is; without a comparison, the endpoint."""
    if comparison is None:
        out.print(answer_alone(results, metric), style="bold")
    else:
        claim = comparison.claim
        out.print(claim.sentence, style=_STYLE.get(claim.verdict, "bold yellow"))
        if claim.certainty:
            out.print(claim.certainty)
    out.print()


def show_other_metrics(
    out: Console,
    candidates: Sequence[EvalResult],
    baselines: Sequence[EvalResult],
    metric: str | None = None,
) -> None:
    """Print what the further metrics of the data say, where none was asked for."""
    for other in metrics_for(candidates, metric)[1:]:
        said = (
            compare(candidates, baselines, metric=other).claim.sentence
            if baselines
            else answer_alone(candidates, other)
        )
        out.print(f"Beside it, in {metric_of(other).quantity.name}: {said}")


def answer_alone(results: Sequence[EvalResult], metric: str | None = None) -> str:
    """Return the endpoint of networks of one architecture without a baseline."""
    *_, primary = summarize(results, metric=metric)
    files = f" ({len(results)} files)" if len(results) > 1 else ""
    unit = f"{primary.quantity.unit} ".lstrip()
    return (
        f"{results[0].checkpoint.name}{files}: {_about(primary.name, primary.quantity)} "
        f"{limits(primary)} {unit}(95 % interval, n = {primary.n})."
    )


def show_conditions(
    out: Console,
    results: Sequence[EvalResult],
    comparison: Comparison | None,
    metric: str | None,
    *,
    shown: Callable[[Mapping[str, Scalar]], bool] = lambda condition: True,
    named: Callable[[str], str] = str,
) -> None:
    """Print the conditions that are `shown`, with names as `named` shortens them."""
    if comparison is None:
        rows = [a for a in summarize(results, metric=metric) if shown(a.condition)]
        show_accuracies(out, [replace(a, name=named(a.name)) for a in rows], results[0])
    else:
        own = [row for row in comparison.rows if shown(row.condition)]
        show_rows(out, comparison, [replace(row, name=named(row.name)) for row in own])


def show_rows(out: Console, comparison: Comparison, rows: Sequence[Row]) -> None:
    """Print some conditions, candidate against baseline."""
    quantity = comparison.quantity
    columns = (
        Column(_about(f"{comparison.data}, n = {comparison.n}", quantity)),
        Column(f"{comparison.candidate.label} {quantity.unit}".rstrip(), interval=9),
        Column(f"{comparison.baseline.label} {quantity.unit}".rstrip(), interval=9),
        Column("difference"),
        Column("p (Holm)", rank=2),
        Column("MDE", rank=3),
        Column("notes", rank=8, text=True),
    )
    show_table(out, columns, [_cells(row, quantity) for row in rows])
    of_draws = comparison.replicate == "draw" and comparison.unit == "architectures"
    unit = f", in {quantity.difference_unit}," if quantity.difference_unit else ""
    out.print(
        f"Brackets hold 95 % intervals; those of differences{unit} are simultaneous bands. "
        + _SAMPLES["draws" if of_draws else comparison.unit],
        style="dim",
    )
    legend(out)


def _cells(row: Row, quantity: Quantity) -> tuple[str, ...]:
    ours, theirs = row.candidate, row.baseline
    return (
        row.name,
        quantity.limits(ours.value, ours.low, ours.high),
        quantity.limits(theirs.value, theirs.low, theirs.high),
        quantity.limits(row.difference.value, row.band_low, row.band_high, sign="+"),
        probability(row.p_holm),
        quantity.text(row.mde),
        ", ".join(row.notes),
    )


def show_details(out: Console, comparison: Comparison | None, *, findings: bool = True) -> None:
    """Print the endpoint, the findings, and the fair-pair manifest."""
    if comparison is None:
        return
    out.print()
    out.print(_endpoint(comparison))
    if findings:
        show_findings(out, comparison.findings)
    labels = (comparison.candidate.label, comparison.baseline.label)
    show_manifest(out, comparison.manifest, labels)
    legend(out)


def _endpoint(comparison: Comparison) -> str:
    """The endpoint of both sides; the answer may have its difference already."""
    row, ratio, quantity = comparison.primary, comparison.ratio, comparison.quantity
    d = row.difference
    ours, theirs = (quantity.limits(e.value, e.low, e.high) for e in (row.candidate, row.baseline))
    text = f"Primary endpoint, {row.name}: {ours} against {theirs} {quantity.unit}".rstrip()
    if row.name not in comparison.claim.sentence:
        text += f", difference {quantity.limits(d.value, d.low, d.high, sign='+')} "
        text += f"{quantity.difference_unit}, p {'' if row.p < 0.001 else '= '}"
        text += f"{probability(row.p)}, MDE {quantity.text(row.mde)}"
    if ratio is not None:
        text += f"; error ratio {ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
    return f"{text}."


def show_findings(out: Console, findings: Sequence[Finding]) -> None:
    """Print secondary endpoints that are no accuracies, one line each."""
    for f in findings:
        line = f"{f.name}: {_plain(f.candidate, f.unit)} against {_plain(f.baseline, f.unit)}"
        if f.difference is not None:
            line += f", difference {_plain(f.difference, f.difference_unit, sign='+')}"
        line = line[:1].upper() + line[1:]
        out.print(f"{line} ({f.note})." if f.note else f"{line}.")


def show_finding_table(out: Console, comparison: Comparison, findings: Sequence[Finding]) -> None:
    """Print findings of one unit, a line each; how they were obtained stands below."""
    first = findings[0]
    columns = (
        Column(first.unit),
        Column(comparison.candidate.label, interval=9),
        Column(comparison.baseline.label, interval=9),
        Column(f"difference, {first.difference_unit}"),
    )
    of = Quantity(scale=1, decimals=1 if first.unit == "%" else 2)
    rows = [
        (
            f.name,
            interval(f.candidate, of),
            interval(f.baseline, of),
            interval(f.difference, of, sign="+") if f.difference else "",
        )
        for f in findings
    ]
    show_table(out, columns, rows)
    for note in dict.fromkeys(f.note for f in findings):
        out.print(f"{note[:1].upper()}{note[1:]}.", style="dim")


def show_accuracies(out: Console, accuracies: Sequence[Accuracy], result: EvalResult) -> None:
    """Print accuracies of one architecture, with intervals."""
    data, quantity = result.data, accuracies[-1].quantity
    columns = (
        Column(_about(f"{data.name} {data.split}, n = {data.n}", quantity)),
        Column(f"{result.checkpoint.name} {quantity.unit}".rstrip()),
        Column("notes", rank=8, text=True),
    )
    rows = [(a.name, limits(a), ", ".join(a.notes)) for a in accuracies]
    show_table(out, columns, rows)
    out.print("Brackets hold 95 % intervals.", style="dim")


def milliseconds(latency: Mapping[str, Any]) -> str:
    """Return median and 95th percentile of a latency, unless other programs disturbed it."""
    if not latency.get("steady", True):
        return "disturbed"
    return f"{latency['median_ms']:.2f} ({latency['p95_ms']:.2f})"


def show_disturbed(out: Console, latencies: Sequence[Mapping[str, Any]]) -> None:
    """Explain `disturbed` where some latency is."""
    if not all(latency.get("steady", True) for latency in latencies):
        note = "disturbed: other programs kept the machine busy, so no time is stated."
        out.print(note, style="dim")


def show_notes(
    out: Console, results: Sequence[EvalResult], comparisons: Sequence[Comparison]
) -> None:
    """Print warnings, skipped conditions, and how the results were measured."""
    show_warnings(out, dict.fromkeys(_notes(results, comparisons)))
    first = results[0]
    flips, more, n = (
        sum(r.certificate.get(name, 0) for r in results)
        for name in ("precision_flips", "batch_flips", "n")
    )
    parts = [f"Measured in {first.precision} on {first.device}"]
    if n:
        parts.append(f"{flips + more} of {n} predictions change with precision or batch size")
    if first.noise_digest:
        parts.append(f"noise v{first.noise_version}, seed {first.seed}")
    out.print(f"{'; '.join(parts)}.", style="dim")


def _notes(results: Sequence[EvalResult], comparisons: Sequence[Comparison]) -> Iterator[str]:
    for comparison in comparisons:
        yield from comparison.warnings
    for result in results:
        yield from result.warnings
        label = analysis_of(result.suite).label
        names = defaultdict[str, list[str]](list)
        for skip in result.skipped:
            names[skip.reason].append(label(skip.condition))
        for reason, alike in names.items():
            yield f"not measured: {', '.join(alike)} ({reason})"


def show_manifest(out: Console, rows: Sequence[ManifestRow], labels: tuple[str, str]) -> None:
    """Print what must be equal before a difference is due to the architecture."""
    out.print()
    unequal = [row for row in rows if row.equal is not True]
    equal = [row for row in rows if row.equal is True]
    same = "; ".join(_in_short(row) for row in equal)
    if same:
        fair = "Both" if unequal else "The pair is fair: both"
        out.print(f"{fair} sides have equal {same}.", style="dim")
    if unequal:
        words = {False: "DIFFERS", None: "unknown"}
        cells = [(row.name, row.candidate, row.baseline, words[row.equal]) for row in unequal]
        columns = [Column(name, text=True) for name in ("fair pair", *labels, "equal?")]
        show_table(out, columns, cells)


def _in_short(row: ManifestRow) -> str:
    return f"{row.name} {row.candidate}" if len(row.candidate) < 40 else row.name


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def limits(row: Accuracy) -> str:
    """Return a value and its limits, in the unit of its metric."""
    return interval(row.estimate, row.quantity)


def interval(e: Estimate, of: Quantity = SHARE, *, sign: str = "") -> str:
    """Return an estimate with its limits; alone where there are none (NaN)."""
    if math.isnan(e.low):
        return of.text(e.value, sign=sign)
    return of.limits(e.value, e.low, e.high, sign=sign)


def _about(text: str, quantity: Quantity) -> str:
    return text if quantity.scored else f"{quantity.name}, {text}"


def probability(p: float) -> str:
    """Return a p value to three digits."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _plain(e: Estimate, unit: str, *, sign: str = "") -> str:
    return f"{e.value:{sign}.3g} {unit} [{e.low:{sign}.3g}, {e.high:{sign}.3g}]"
