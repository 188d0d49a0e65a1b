"""What stored outcomes say beside accuracy: confusions that change, and calibration."""

from collections.abc import Sequence

import numpy as np

from acn_eval.charts.canvas import Panel
from acn_eval.charts.kinds import reliability
from acn_eval.report import tables
from acn_eval.report.inputs import Material, head_cells
from acn_eval.report.page import Block, Cell, Drawing, Table, Text
from acn_eval.results import UNKNOWN, EvalResult
from acn_eval.results import Cell as Outcome
from acn_eval.statistics.calibration import BINS, Calibration, calibration
from acn_eval.statistics.confusion import changes
from acn_eval.statistics.soundness import labels_of

__all__ = ["calibrated", "confused"]

_SETS = {"clean examples": True, "corrupted examples, pooled": False}
_SHOWN = 10
_DRAWN = 10  # predictions of a bin: fewer say little, and stand in the table alone


def confused(material: Material) -> tuple[Block, ...]:
    """Return the confusions that the candidate makes more or less often than the baseline."""
    if len(material.sides) < 2:
        return ()
    classes = material.results[0].data.classes
    blocks: list[Block] = []
    for name, clean in _SETS.items():
        ours, theirs = ([_chosen(r, clean=clean) for r in own] for own in material.sides.values())
        if not all((*ours, *theirs)):
            continue
        found = changes(ours, theirs)
        moved = sum(c.difference != 0 for c in found)
        caption = (
            f"{name.capitalize()}: {min(_SHOWN, moved)} of {moved} confusions that change, "
            f"largest first (of {len(found)}); times per file"
        )
        blocks.append(tables.change_table(found[:_SHOWN], classes, tuple(material.sides), caption))
    _, labels = labels_of(material.results)
    unknown = int(np.sum(labels == UNKNOWN))
    if not (blocks and unknown):
        return tuple(blocks)
    note = f"{unknown:,} of {len(labels):,} examples are left out: their labels are not stored."
    return (Text(note, "note"), *blocks)


def calibrated(material: Material) -> tuple[Block, ...]:
    """Return reliability curves, the expected calibration error (ECE), and their bins."""
    known = [
        (name, label, c)
        for name, clean in _SETS.items()
        for label, results in material.sides.items()
        if (c := _calibration(results, clean=clean))
    ]
    if not known:
        return ()
    drawn = tuple(_reliability(name, known) for name in dict.fromkeys(n for n, *_ in known))
    note = (
        f"{BINS} bins of equal width, open below and closed above (a confidence of 1 is in the "
        "last); ECE is the mean distance of confidence and accuracy, weighted by predictions. "
        "ECE by chance is its mean if every confidence were true. Predictions of one example "
        "under several conditions are not independent, so no interval is given."
    )
    caption = f"Accuracy against confidence, bins of {_DRAWN} predictions or more; marks grow with"
    return (
        Drawing("calibration", f"{caption} their number", drawn, tuple(material.sides)),
        tables.calibration_table(known),
        Text(note, "note"),
        _bins(known),
    )


def _reliability(name: str, known: Sequence[tuple[str, str, Calibration]]) -> Panel:
    lines = {
        label: [(b.confidence, b.accuracy, b.n) for b in c.bins if b.n >= _DRAWN]
        for own, label, c in known
        if own == name
    }
    return reliability(name, lines)


def _bins(known: Sequence[tuple[str, str, Calibration]]) -> Table:
    rows = tuple(
        (
            Cell(f"{name}, {label}"),
            Cell(f"({b.low:.1f}, {b.high:.1f}]", {"low": b.low, "high": b.high}),
            tables.number(f"{b.n:,}", b.n),
            tables.percent(b.confidence),
            tables.percent(b.accuracy),
        )
        for name, label, c in known
        for b in c.bins
    )
    head = ("examples, network", "bin", "predictions", "confidence, %", "accuracy, %")
    return Table("The bins behind the curves", head, rows, name="bins", folded=True)


def _calibration(results: Sequence[EvalResult], *, clean: bool) -> Calibration | None:
    cells = [c for r in results for c in _chosen(r, clean=clean) if c.confidence is not None]
    if not cells:
        return None
    confidence = np.concatenate([c.confidence for c in cells if c.confidence is not None])
    return calibration(confidence, np.concatenate([c.values for c in cells]))


def _chosen(result: EvalResult, *, clean: bool) -> list[Outcome]:
    return [c for c in head_cells(result) if (c.condition.get("corruption") == "clean") == clean]
