"""Tables of a report: rounded text for people, with all digits of every number beside it."""

from collections.abc import Callable, Mapping, Sequence

from acn_eval.figures import side_labels
from acn_eval.gate.sentence import cells as rule_cells
from acn_eval.gate.sentence import head as rule_head
from acn_eval.gate.verdict import Verdict
from acn_eval.report.page import Cell, Table
from acn_eval.results import EvalResult
from acn_eval.statistics import Accuracy, Comparison, Estimate, Finding, Row
from acn_eval.statistics.calibration import Calibration
from acn_eval.statistics.confusion import Change
from acn_eval.statistics.quantity import SHARE, Quantity

__all__ = ["accuracy_table", "calibration_table", "change_table", "comparison_table"]
__all__ += ["estimated", "evidence_table", "file_table", "finding_table", "manifest_table"]
__all__ += ["number", "percent", "primary_table", "probable", "verdict_table", "with_level"]

_EMPTY = Cell("")


def number(text: str, value: float) -> Cell:
    """Return the cell of one number."""
    return Cell(text, {"value": value})


def percent(share: float) -> Cell:
    """Return the cell of a share of 1."""
    return number(f"{100 * share:.1f}", share)


def estimated(estimate: Estimate | None, *, sign: str = "", of: Quantity = SHARE) -> Cell:
    """Return a value with its limits, of a share in percent or points."""
    if estimate is None:
        return _EMPTY
    return Cell(of.limits(estimate.value, estimate.low, estimate.high, sign=sign), vars(estimate))


def _plain(estimate: Estimate | None, *, sign: str = "") -> Cell:
    """Return a value with its limits, of no known quantity."""
    if estimate is None:
        return _EMPTY
    value, low, high = (f"{x:{sign}.3g}" for x in (estimate.value, estimate.low, estimate.high))
    return Cell(f"{value} [{low}, {high}]", vars(estimate))


def probable(p: float | None) -> Cell:
    """Return the cell of a p value."""
    return _EMPTY if p is None else number("<0.001" if p < 0.001 else f"{p:.3f}", p)


def comparison_table(comparison: Comparison, rows: Sequence[Row]) -> Table:
    """Return every condition, candidate against baseline."""
    caption = "Candidate against baseline under every condition"
    return _table(_columns(comparison, rows, family=True), rows, caption, "rows")


def primary_table(comparison: Comparison) -> Table:
    """Return the primary endpoint, which is a family of its own: no band, no adjusted p."""
    rows = [comparison.primary]
    return _table(_columns(comparison, rows, family=False), rows, "Primary endpoint", "primary")


_Column = Callable[[Row], Cell]


def _columns(comparison: Comparison, rows: Sequence[Row], *, family: bool) -> dict[str, _Column]:
    """Columns by their heads; with seeds also what holds for these very test examples."""
    of = comparison.quantity
    heads = [with_level(of.head(label)) for label in side_labels(comparison)]
    found: dict[str, _Column] = {
        "condition": lambda row: Cell(row.name),
        heads[0]: lambda row: estimated(row.candidate, of=of),
        heads[1]: lambda row: estimated(row.baseline, of=of),
        with_level("difference"): lambda row: estimated(row.difference, sign="+", of=of),
    }
    if family:
        found["simultaneous band"] = lambda row: _band(row, of)
    found["p"] = lambda row: probable(row.p)
    if family:
        found["p (Holm)"] = lambda row: probable(row.p_holm)
    found["MDE"] = lambda row: number(of.text(row.mde), row.mde)
    found["differ on, %"] = lambda row: percent(row.discordance)
    found["n"] = lambda row: number(f"{row.n:,}", row.n)
    if any(row.same_images for row in rows):
        found[with_level("these test examples")] = lambda row: estimated(
            row.same_images, sign="+", of=of
        )
    if any(row.p_sign_flip is not None for row in rows):
        found["p (sign flips)"] = lambda row: probable(row.p_sign_flip)
    found["notes"] = lambda row: Cell(", ".join(row.notes))
    return found


def _table(columns: Mapping[str, _Column], rows: Sequence[Row], caption: str, name: str) -> Table:
    body = tuple(tuple(column(row) for column in columns.values()) for row in rows)
    return Table(caption, tuple(columns), body, name=name, copied=name == "rows")


def with_level(label: str) -> str:
    """Add the level of the limits; numbers and their % stay on one line."""
    return f"{label} [95 %]".replace(" %", "\u00a0%")


def _band(row: Row, of: Quantity) -> Cell:
    low, high = (of.text(x, sign="+") for x in (row.band_low, row.band_high))
    return Cell(f"[{low}, {high}]", {"low": row.band_low, "high": row.band_high})


def _shown(row: Accuracy | None) -> Cell:
    return estimated(row.estimate, of=row.quantity) if row else _EMPTY


def accuracy_table(metrics: Mapping[str, Sequence[Accuracy]], label: str) -> Table:
    """Return the metrics of one network under each condition, the first in its own column."""
    accuracies, *others = metrics.values()
    found = [{row.name: row for row in rows} for rows in others]
    body = tuple(
        (
            Cell(a.name),
            _shown(a),
            *(_shown(own.get(a.name)) for own in found),
            number(f"{a.n:,}", a.n),
            Cell(", ".join(a.notes)),
        )
        for a in accuracies
    )
    quantities = [rows[-1].quantity for rows in others]
    own = accuracies[-1].quantity
    heads = (with_level(own.head(label)), *(with_level(of.head(of.name)) for of in quantities))
    first = own.name[:1].upper() + own.name[1:]
    caption = f"{first} and other metrics" if others else first
    head = ("condition", *heads, "n", "notes")
    return Table(f"{caption} under every condition", head, body, name="rows", copied=True)


def evidence_table(comparison: Comparison) -> Table:
    """Return the estimates that the verdict rests on, and the ratio of errors."""
    units = {"loss in logits": "logits", **{f.name: f.unit for f in comparison.findings}}
    of, rows = comparison.quantity, []
    for name, estimate in comparison.claim.evidence.items():
        unit = units.get(name, of.difference_unit)
        known = unit == of.difference_unit
        cell = estimated(estimate, sign="+", of=of) if known else _plain(estimate, sign="+")
        rows.append((Cell(name), cell, Cell(unit)))
    if comparison.ratio is not None:
        rows.append((Cell("error ratio"), _plain(comparison.ratio), Cell("ratio")))
    caption = "What the verdict rests on: candidate - baseline, errors as candidate / baseline"
    return Table(
        caption, ("quantity", with_level("estimate"), "unit"), tuple(rows), name="evidence"
    )


def finding_table(comparison: Comparison, findings: Sequence[Finding]) -> Table:
    """Return numbers that are no accuracies."""
    body = tuple(
        (
            Cell(f.name),
            _plain(f.candidate),
            _plain(f.baseline),
            _plain(f.difference, sign="+"),
            Cell(f.unit),
            Cell(f.note),
        )
        for f in findings
    )
    labels = (comparison.candidate.label, comparison.baseline.label)
    head = ("finding", *map(with_level, labels), "difference", "unit", "how")
    return Table("Beside accuracy", head, body, name="findings")


def manifest_table(comparison: Comparison) -> Table:
    """Return what has to be equal before a difference is due to the architecture."""
    words = {
        True: Cell("equal", mark="good"),
        False: Cell("differs", mark="bad"),
        None: Cell("unknown", mark="unsure"),
    }
    body = tuple(
        (Cell(r.name), Cell(r.candidate), Cell(r.baseline), words[r.equal])
        for r in comparison.manifest
    )
    head = ("fact", comparison.candidate.label, comparison.baseline.label, "")
    return Table("Is it a fair pair?", head, body, name="manifest")


def verdict_table(verdict: Verdict) -> Table:
    """Return the rules of a gate."""
    body = []
    for rule in verdict.rules:
        name, estimate, *rest = rule_cells(rule)
        numbers = vars(rule.estimate) if rule.estimate else {}
        body.append((Cell(name), Cell(estimate, numbers), *map(Cell, rest)))
    return Table(f"The rules of {verdict.gate}", rule_head(verdict), tuple(body), name="gate")


def change_table(
    found: Sequence[Change], classes: Sequence[str], labels: Sequence[str], caption: str
) -> Table:
    """Return the confusions that change."""
    body = tuple(
        (
            Cell(_class(c.true, classes)),
            Cell(_class(c.predicted, classes)),
            number(f"{c.candidate:.4g}", c.candidate),
            number(f"{c.baseline:.4g}", c.baseline),
            number(f"{c.difference:+.4g}", c.difference),
        )
        for c in found
        if c.difference
    )
    return Table(caption, ("class", "taken for", *labels, "change"), body, name="confusion")


def _class(position: int, classes: Sequence[str]) -> str:
    return classes[position] if 0 <= position < len(classes) else "another class"


def calibration_table(rows: Sequence[tuple[str, str, Calibration]]) -> Table:
    """Return (examples, network, calibration) as rows."""
    head = ("examples", "network", "predictions", "ECE", "ECE by chance", "confidence", "accuracy")
    body = tuple(
        (
            Cell(examples),
            Cell(label),
            number(f"{c.n:,}", c.n),
            *map(percent, (c.ece, c.chance, c.confidence, c.accuracy)),
        )
        for examples, label, c in rows
    )
    return Table("Expected calibration error, in %", head, body, name="calibration")


def file_table(sides: Sequence[tuple[str, EvalResult]]) -> Table:
    """Return the files that were measured."""
    body = tuple(
        (
            Cell(label),
            Cell(r.checkpoint.uri),
            Cell(r.checkpoint.sha256, mark="digest"),
            Cell(r.key, mark="digest"),
            Cell(str(r.checkpoint.training.get("seed", "unknown"))),
        )
        for label, r in sides
    )
    head = ("side", "file", "sha256", "result", "training seed")
    return Table("Files", head, body, name="files")
