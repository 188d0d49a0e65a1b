"""Markdown for the description of a run."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from acn_eval.foreign_text import markdown, markdown_table
from acn_eval.results import EvalResult, Scalar
from acn_eval.statistics import Accuracy, Comparison, Estimate, Finding, Row
from acn_eval.statistics.quantity import Quantity
from acn_eval.studies.table import analysis_of

__all__ = ["accuracy_table", "bullets", "comparison_table", "description"]

_LONGEST = 8000
_MANY = 30  # rows that a person reads


def description(text: str) -> str:
    """Return Markdown for MLflow's pages, which leave no space between the cells of a table.

    MLflow cuts a tag at 8,000 characters; what is longer ends at a line, and says so.
    """
    lines = [
        line.replace(" | ", "&nbsp; | ") if line.startswith("| ") and "---" not in line else line
        for line in text.split("\n")
    ]
    ends = list(accumulate(len(line) + 1 for line in lines))
    if ends[-1] <= _LONGEST:
        return "\n".join(lines)
    kept = [line for line, end in zip(lines, ends, strict=True) if end <= _LONGEST - 100]
    return "\n".join([*kept, "", "... the rest is in the artifacts of this run."])


def accuracy_table(result: EvalResult, accuracies: Sequence[Accuracy]) -> str:
    """Return accuracy, or another metric, of one checkpoint by condition, as Markdown."""
    about = (
        f"{result.checkpoint.uri} on {result.data.name} {result.data.split}, "
        f"{result.data.n} examples, {result.precision} on {result.device}."
    )
    shown = [a for a in accuracies if len(accuracies) <= _MANY or _is_clean(a.condition)]
    rows = [[a.name, _points(a.estimate, a.quantity), ", ".join(a.notes)] for a in shown]
    of = accuracies[-1].quantity
    head = ["condition", f"{' '.join(filter(None, (of.name, of.unit)))} [95 %]", "notes"]
    label = analysis_of(result.suite).label
    skipped = [f"{label(skip.condition)}: {skip.reason}" for skip in result.skipped]
    table = markdown_table(head, rows)
    return "\n".join([markdown(about), "", *table, *bullets("Not measured", skipped)])


def comparison_table(comparison: Comparison) -> str:
    """Return the verdict, the table, the warnings and the fair-pair manifest, as Markdown."""
    left, right = comparison.candidate.label, comparison.baseline.label
    sample = "examples are the sample" if comparison.unit == "checkpoints" else "seeds x examples"
    head = ["condition", left, right, "difference [95 %]", "p (Holm)", "MDE", "notes"]
    many = len(comparison.rows) > _MANY
    shown = [row for row in comparison.rows if not many or _is_clean(row.condition)]
    quantity = comparison.quantity
    rows = [_cells(row, quantity) for row in (*shown, comparison.primary)]
    beside = []
    if left_out := len(comparison.rows) - len(shown):
        beside += ["", f"{left_out} rows under corruption are in the artifacts."]
    if ratio := comparison.ratio:
        error = f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
        beside += ["", f"Error of {markdown(left)} over the baseline's: {error}."]
    words = {True: "equal", False: "DIFFERS", None: "unknown"}
    pair = [
        [row.name, row.candidate, row.baseline, words[row.equal]] for row in comparison.manifest
    ]
    unit = "Percentage points" if quantity.scored else quantity.head(quantity.name.capitalize())
    return "\n".join(
        [
            f"**{markdown(comparison.answer)}**",
            "",
            f"{markdown(comparison.data)}, {comparison.n} examples; {sample}. {unit}.",
            "",
            *markdown_table(head, rows),
            *beside,
            *bullets("Beside accuracy", [_finding(f) for f in comparison.findings]),
            *bullets("Read with care", comparison.warnings),
            "",
            "Fair pair:",
            "",
            *markdown_table(["", left, right, ""], pair),
        ]
    )


def _points(estimate: Estimate, of: Quantity, sign: str = "") -> str:
    return of.limits(estimate.value, estimate.low, estimate.high, sign=sign)


def _cells(row: Row, of: Quantity) -> list[str]:
    p = "< 0.001" if row.p_holm < 0.001 else f"{row.p_holm:.3f}"
    return [
        row.name,
        _points(row.candidate, of),
        _points(row.baseline, of),
        _points(row.difference, of, "+"),
        p,
        of.text(row.mde),
        ", ".join(row.notes),
    ]


def _is_clean(condition: Mapping[str, Scalar]) -> bool:
    """Whether a row is of clean examples or an endpoint, and so shown where there are many."""
    return condition.get("corruption", "clean") == "clean"


def _finding(f: Finding) -> str:
    def text(e: Estimate, unit: str, sign: str = "") -> str:
        return f"{e.value:{sign}.3g} {unit} [{e.low:{sign}.3g}, {e.high:{sign}.3g}]"

    last = f", difference {text(f.difference, f.difference_unit, '+')}" if f.difference else ""
    return (
        f"{f.name}: {text(f.candidate, f.unit)} against {text(f.baseline, f.unit)}{last}; {f.note}"
    )


def bullets(title: str, lines: Sequence[str]) -> list[str]:
    """Return the lines of a list under its title; none where it is empty."""
    return ["", f"{title}:", "", *(f"- {markdown(line)}" for line in lines)] if lines else []
