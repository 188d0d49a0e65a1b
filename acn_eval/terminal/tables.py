"""Tables and sentences for the terminal."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from acn_eval.results import EvalResult
from acn_eval.statistics import Accuracy, Comparison, Estimate, ManifestRow, Row
from acn_eval.studies.compare import summarize
from acn_eval.studies.table import analysis_of

__all__ = [
    "duration",
    "end_point",
    "milliseconds",
    "percent",
    "show_accuracies",
    "show_claim",
    "show_comparison",
    "show_disturbed",
    "show_findings",
    "show_manifest",
    "show_notes",
    "show_rows",
    "show_verdict",
    "verdict",
]

_STYLE = {"better": "bold green", "worse": "bold red", "tie": "bold", "identical": "bold"}


def show_comparison(out: Console, comparison: Comparison) -> None:
    """Print all conditions, the end point, the verdict and the fair-pair manifest."""
    show_rows(out, comparison, comparison.rows)
    show_verdict(out, comparison)


def show_rows(out: Console, comparison: Comparison, rows: Sequence[Row]) -> None:
    """Print some conditions, candidate against baseline."""
    left, right = comparison.candidate.label, comparison.baseline.label
    table = Table(box=None, pad_edge=False, title_justify="left", header_style="bold")
    table.add_column(f"{comparison.data}, n = {comparison.n}")
    for name in (left, right, "difference [95 % band]"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("p (Holm)", justify="right")
    table.add_column("MDE", justify="right")
    table.add_column("")
    for row in rows:
        table.add_row(*_cells(row))
    out.print(table)
    out.print(_legend(comparison), style="dim")


def show_verdict(out: Console, comparison: Comparison) -> None:
    """Print the plain-words line, the end point, the findings and the fair-pair manifest."""
    show_claim(out, comparison)
    show_findings(out, comparison)
    labels = (comparison.candidate.label, comparison.baseline.label)
    show_manifest(out, comparison.manifest, labels)


def show_claim(out: Console, comparison: Comparison) -> None:
    """Print the plain-words line and the end point that it rests on."""
    out.print()
    out.print(verdict(comparison), style=_STYLE.get(comparison.claim.verdict, "bold yellow"))
    out.print(_end_point(comparison))


def show_findings(out: Console, comparison: Comparison) -> None:
    """Print numbers that are no accuracies, one line each."""
    for f in comparison.findings:
        line = f"{f.name}: {_plain(f.candidate, f.unit)} against {_plain(f.baseline, f.unit)}"
        if f.difference is not None:
            line += f", difference {_plain(f.difference, f.difference_unit, sign='+')}"
        out.print(f"{line}; {f.note}" if f.note else line)


def verdict(comparison: Comparison) -> str:
    """Return the plain-words line."""
    return f"{comparison.claim.verdict.upper()}: {comparison.claim.sentence}"


def end_point(result: EvalResult) -> str:
    """Return the line of a network that is compared with none."""
    *_, primary = summarize([result])
    return (
        f"{result.checkpoint.name}: {primary.name} {percent(primary.estimate)} %, n = {primary.n}"
    )


def show_accuracies(out: Console, accuracies: Sequence[Accuracy], result: EvalResult) -> None:
    """Print accuracies of one checkpoint, with intervals."""
    data = result.data
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"{data.name} {data.split}, n = {data.n}")
    table.add_column(f"{result.checkpoint.name}, accuracy % [95 %]", justify="right")
    table.add_column("")
    for a in accuracies:
        table.add_row(a.name, percent(a.estimate), ", ".join(a.notes))
    out.print(table)


def milliseconds(latency: Mapping[str, Any]) -> str:
    """Return median and 95th percentile of a latency, unless the machine was disturbed."""
    if not latency.get("steady", True):
        return "disturbed"
    return f"{latency['median_ms']:.2f} ({latency['p95_ms']:.2f})"


def show_disturbed(out: Console, latencies: Sequence[Mapping[str, Any]]) -> None:
    """Say what `disturbed` means where some latency is."""
    if not all(latency.get("steady", True) for latency in latencies):
        note = "disturbed: other programs kept the machine busy, so no time is stated"
        out.print(note, style="dim")


def show_notes(
    out: Console, results: Sequence[EvalResult], comparisons: Sequence[Comparison]
) -> None:
    """Print what a reader must know: warnings, skips, how it was measured."""
    for line in dict.fromkeys(_notes(results, comparisons)):
        out.print(f"  ! {line}", style="yellow")
    first = results[0]
    flips = sum(r.certificate.get("precision_flips", 0) for r in results)
    flips += sum(r.certificate.get("batch_flips", 0) for r in results)
    n = sum(r.certificate.get("n", 0) for r in results)
    parts = [f"measured in {first.precision} on {first.device}"]
    if n:
        parts.append(f"{flips} of {n} predictions change with precision or batch size")
    if first.noise_digest:
        parts.append(f"noise v{first.noise_version}, seed {first.seed}")
    out.print("; ".join(parts), style="dim")


def _notes(results: Sequence[EvalResult], comparisons: Sequence[Comparison]) -> Iterator[str]:
    for comparison in comparisons:
        yield from comparison.warnings
    for result in results:
        yield from result.warnings
        label = analysis_of(result.suite).label
        for skip in result.skipped:
            yield f"not measured: {label(skip.condition)} ({skip.reason})"


def _cells(row: Row) -> tuple[str, ...]:
    low, high = 100 * row.band_low, 100 * row.band_high
    band = f"{100 * row.difference.value:+.1f} [{low:+.1f}, {high:+.1f}]"
    left, right = percent(row.candidate), percent(row.baseline)
    return (
        row.name,
        left,
        right,
        band,
        _p(row.p_holm),
        f"{100 * row.mde:.1f}",
        ", ".join(row.notes),
    )


def _legend(comparison: Comparison) -> str:
    sample = {
        "checkpoints": "the images are the sample: this is about these two files",
        "architectures": "seeds and images are the sample: this is about the architectures",
        "draws": "draws and images are the sample: this is about other draws of these sizes",
    }
    of_draws = comparison.replicate == "draw" and comparison.unit == "architectures"
    unit = "draws" if of_draws else comparison.unit
    return (
        "accuracy in % with 95 % intervals; differences in points with a simultaneous 95 % band; "
        f"MDE: smallest difference seen with 80 % power; {sample[unit]}"
    )


def _end_point(comparison: Comparison) -> str:
    row = comparison.primary
    d = row.difference
    text = (
        f"primary end point, {row.name}: {percent(row.candidate)} against "
        f"{percent(row.baseline)}, "
        f"difference {100 * d.value:+.1f} points [95 %: {100 * d.low:+.1f}, {100 * d.high:+.1f}], "
        f"p = {_p(row.p)}, MDE {100 * row.mde:.1f}"
    )
    if comparison.ratio is None:
        return text
    r = comparison.ratio
    return f"{text}; error ratio {r.value:.2f} [{r.low:.2f}, {r.high:.2f}]"


def show_manifest(out: Console, rows: Sequence[ManifestRow], labels: tuple[str, str]) -> None:
    """Print what has to be equal before a difference is due to the architecture."""
    out.print()
    unequal = [row for row in rows if row.equal is not True]
    if not unequal:
        same = "; ".join(f"{row.name} {row.candidate}" for row in rows if len(row.candidate) < 40)
        out.print(f"fair pair: all equal ({same})", style="dim")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("fair pair", *labels, ""):
        table.add_column(name)
    for row in rows:
        words = {True: "equal", False: "DIFFERS", None: "unknown"}[row.equal]
        table.add_row(row.name, row.candidate, row.baseline, words)
    out.print(table)


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def percent(e: Estimate) -> str:
    """Return an accuracy and its limits in percent."""
    return f"{100 * e.value:.1f} [{100 * e.low:.1f}, {100 * e.high:.1f}]"


def _plain(e: Estimate, unit: str, *, sign: str = "") -> str:
    return f"{e.value:{sign}.3g} {unit} [95 %: {e.low:{sign}.3g}, {e.high:{sign}.3g}]"


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"
