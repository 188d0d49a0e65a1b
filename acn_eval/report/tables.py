"""Tables of a report: rounded text for people, and every number to the digit beside it."""

from collections.abc import Callable, Mapping, Sequence

from acn_eval.gate.sentence import cells as rule_cells
from acn_eval.gate.sentence import head as rule_head
from acn_eval.gate.verdict import Verdict
from acn_eval.report.page import Cell, Table
from acn_eval.results import EvalResult
from acn_eval.statistics import Accuracy, Comparison, Estimate, Finding, Row
from acn_eval.statistics.calibration import Calibration
from acn_eval.statistics.confusion import Change
from acn_eval.statistics.quantity import SHARE, Quantity

__all__ = [
    "accuracy_table",
    "calibration_table",
    "change_table",
    "comparison_table",
    "evidence_table",
    "file_table",
    "finding_table",
    "manifest_table",
    "points",
    "primary_table",
    "verdict_table",
]

_SHOWN_CHANGES = 10


def points(estimate: Estimate, *, sign: str = "", of: Quantity = SHARE) -> Cell:
    """Return a value with its limits, of a share in percent or points."""
    return Cell(of.limits(*_three(estimate), sign=sign), vars(estimate))


def comparison_table(comparison: Comparison, rows: Sequence[Row]) -> Table:
    """Return every condition, candidate against baseline."""
    caption = "Candidate against baseline under every condition"
    return _table(_columns(comparison, rows, family=True), rows, caption, "rows")


def primary_table(comparison: Comparison) -> Table:
    """Return the primary end point, which is a family of its own: no band, no adjusted p."""
    rows = [comparison.primary]
    return _table(_columns(comparison, rows, family=False), rows, "Primary end point", "primary")


_Column = Callable[[Row], Cell]


def _columns(comparison: Comparison, rows: Sequence[Row], *, family: bool) -> dict[str, _Column]:
    """Columns by their heads; with seeds also what holds for these very test examples."""
    left, right = comparison.candidate.label, comparison.baseline.label
    of, right = comparison.quantity, right if right != left else f"{right} (baseline)"
    heads = [_head(of.head(label), "") for label in (left, right)]
    found: dict[str, _Column] = {
        "condition": lambda row: Cell(row.name),
        heads[0]: lambda row: points(row.candidate, of=of),
        heads[1]: lambda row: points(row.baseline, of=of),
        _head("difference", ""): lambda row: points(row.difference, sign="+", of=of),
    }
    if family:
        found["simultaneous band"] = lambda row: _band(row, of)
    found["p"] = lambda row: _p(row.p)
    if family:
        found["p (Holm)"] = lambda row: _p(row.p_holm)
    found["MDE"] = lambda row: Cell(of.text(row.mde), {"value": row.mde})
    found["differ on, %"] = lambda row: _share(row.discordance)
    found["n"] = lambda row: Cell(f"{row.n:,}", {"value": row.n})
    if any(row.same_images for row in rows):
        found[_head("these test examples", "")] = lambda row: _same_images(row, of)
    if any(row.p_sign_flip is not None for row in rows):
        found["p (sign flips)"] = _sign_flip
    found["notes"] = lambda row: Cell(", ".join(row.notes))
    return found


def _table(columns: Mapping[str, _Column], rows: Sequence[Row], caption: str, name: str) -> Table:
    body = tuple(tuple(column(row) for column in columns.values()) for row in rows)
    return Table(caption, tuple(columns), body, name=name, copied=name == "rows")


def _head(label: str, unit: str = ", %") -> str:
    """A label with its unit and the level of its limits, which stay on one line."""
    return f"{label}{unit} [95 %]".replace(" %", "\u00a0%")


def _same_images(row: Row, of: Quantity) -> Cell:
    return points(row.same_images, sign="+", of=of) if row.same_images else Cell("")


def _sign_flip(row: Row) -> Cell:
    return Cell("") if row.p_sign_flip is None else _p(row.p_sign_flip)


def _share(value: float) -> Cell:
    return Cell(f"{100 * value:.1f}", {"value": value})


def accuracy_table(accuracies: Sequence[Accuracy], label: str) -> Table:
    """Return what one network did under each condition."""
    body = tuple(
        (
            Cell(a.name),
            points(a.estimate),
            Cell(f"{a.n:,}", {"value": a.n}),
            Cell(", ".join(a.notes)),
        )
        for a in accuracies
    )
    head = ("condition", _head(label), "n", "notes")
    return Table("Accuracy under every condition", head, body, name="rows", copied=True)


def evidence_table(comparison: Comparison) -> Table:
    """Return the estimates that the verdict rests on, and the ratio of errors."""
    units = {"loss in logits": "logits", **{f.name: f.unit for f in comparison.findings}}
    rows = []
    for name, estimate in comparison.claim.evidence.items():
        of = comparison.quantity
        unit = units.get(name, of.difference_unit)
        known = unit == of.difference_unit
        cell = points(estimate, sign="+", of=of) if known else _plain(estimate, sign="+")
        rows.append((Cell(name), cell, Cell(unit)))
    if comparison.ratio is not None:
        rows.append((Cell("error ratio"), _plain(comparison.ratio), Cell("ratio")))
    head = ("quantity", _head("estimate", ""), "unit")
    caption = "What the verdict rests on: candidate - baseline, errors as candidate / baseline"
    return Table(caption, head, tuple(rows), name="evidence")


def finding_table(comparison: Comparison, findings: Sequence[Finding]) -> Table:
    """Return numbers that are no accuracies."""
    body = tuple(
        (
            Cell(f.name),
            _plain(f.candidate),
            _plain(f.baseline),
            _plain(f.difference, sign="+") if f.difference else Cell(""),
            Cell(f.unit),
            Cell(f.note),
        )
        for f in findings
    )
    labels = (comparison.candidate.label, comparison.baseline.label)
    head = ("finding", *(_head(label, "") for label in labels), "difference", "unit", "how")
    return Table("Beside accuracy", head, body, name="findings")


def manifest_table(comparison: Comparison) -> Table:
    """Return what has to be equal before a difference is due to the architecture."""
    words = {True: ("equal", "good"), False: ("differs", "bad"), None: ("unknown", "unsure")}
    body = tuple(
        (Cell(r.name), Cell(r.candidate), Cell(r.baseline), Cell(*_marked(words[r.equal])))
        for r in comparison.manifest
    )
    head = ("fact", comparison.candidate.label, comparison.baseline.label, "")
    return Table("Is it a fair pair?", head, body, name="manifest")


def verdict_table(verdict: Verdict) -> Table:
    """Return the rules of a gate."""
    body = []
    for rule in verdict.rules:
        texts = rule_cells(rule)
        estimate = Cell(texts[1], vars(rule.estimate) if rule.estimate else {})
        body.append((Cell(texts[0]), estimate, *map(Cell, texts[2:])))
    return Table(f"The rules of {verdict.gate}", rule_head(verdict), tuple(body), name="gate")


def change_table(
    found: Sequence[Change], classes: Sequence[str], labels: Sequence[str], caption: str
) -> Table:
    """Return the confusions that change most."""
    head = ("class", "taken for", *labels, "change")
    body = tuple(
        (
            Cell(_class(c.true, classes)),
            Cell(_class(c.predicted, classes)),
            _count(c.candidate),
            _count(c.baseline),
            _count(c.difference, sign="+"),
        )
        for c in found[:_SHOWN_CHANGES]
        if c.difference
    )
    return Table(caption, head, body, name="confusion")


def calibration_table(rows: Sequence[tuple[str, str, Calibration]]) -> Table:
    """Return (examples, network, calibration) as rows."""
    head = ("examples", "network", "predictions", "ECE", "ECE by chance", "confidence", "accuracy")
    body = tuple(
        (
            Cell(images),
            Cell(label),
            Cell(f"{c.n:,}", {"value": c.n}),
            *(_share(value) for value in (c.ece, c.chance, c.confidence, c.accuracy)),
        )
        for images, label, c in rows
    )
    return Table("Expected calibration error, in %", head, body, name="calibration")


def file_table(sides: Sequence[tuple[str, EvalResult]]) -> Table:
    """Return which files were measured."""
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
    return Table(
        "Files", ("side", "file", "sha256", "result", "training seed"), body, name="files"
    )


def _three(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _plain(estimate: Estimate, *, sign: str = "") -> Cell:
    value, low, high = (f"{x:{sign}.3g}" for x in _three(estimate))
    return Cell(f"{value} [{low}, {high}]", vars(estimate))


def _band(row: Row, of: Quantity) -> Cell:
    low, high = (of.text(x, sign="+") for x in (row.band_low, row.band_high))
    return Cell(f"[{low}, {high}]", {"low": row.band_low, "high": row.band_high})


def _p(p: float) -> Cell:
    return Cell("<0.001" if p < 0.001 else f"{p:.3f}", {"value": p})


def _count(times: float, *, sign: str = "") -> Cell:
    return Cell(f"{times:{sign}.4g}", {"value": times})


def _class(position: int, classes: Sequence[str]) -> str:
    return classes[position] if 0 <= position < len(classes) else "another class"


def _marked(word: tuple[str, str]) -> tuple[str, dict[str, float], str]:
    text, mark = word
    return text, {}, mark
