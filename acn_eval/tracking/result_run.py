"""The run of one arm: one checkpoint through one suite with one seed."""

import csv
import io
from collections.abc import Iterator, Sequence

from acn_eval.foreign_text import plain
from acn_eval.results import EvalResult
from acn_eval.statistics import Accuracy
from acn_eval.statistics.curves import CLEAN, Curves
from acn_eval.studies.compare import summarize
from acn_eval.studies.table import analysis_of
from acn_eval.tracking.run_content import (
    NAME,
    Point,
    RunContent,
    digest,
    end_point_key,
    flat,
    key_name,
)
from acn_eval.tracking.tables import accuracy_table, description

__all__ = ["arm_run"]


def arm_run(result: EvalResult) -> RunContent:
    """Return the content of the run of one result."""
    accuracies = summarize([result])
    found = analysis_of(result.suite).curves([a.condition for a in accuracies[:-1]])
    values = [[a.name, a.n, a.estimate.value] for a in accuracies]
    table = accuracy_table(result, accuracies)
    seed = f" seed {result.seed}" if result.seed else ""
    return RunContent(
        name=plain(f"{result.checkpoint.name}{seed}", NAME),
        suite=str(result.suite["name"]),
        step=found.axis.step_in_words,
        key=result.key,
        digest=digest(values),
        points=(*_points(accuracies, found), *_chart_points(result), *_measure_points(result)),
        params=_params(result),
        tags={**_tags(result), "mlflow.note.content": description(table)},
        files={"accuracy.csv": _csv(accuracies)},
        created_ms=result.created_ms,
    )


def _points(accuracies: Sequence[Accuracy], found: Curves) -> Iterator[Point]:
    """Accuracies in percentage points; over levels every curve starts at clean examples."""
    *rows, primary = accuracies
    values = [100 * row.estimate.value for row in rows]
    drawn = {**found.lines, **found.drawn()}
    for name, places in drawn.items():
        for place in places:
            yield Point(key_name(f"acc/{name}"), values[place.at], found.axis.step(place.level))
    for name, places in found.lines.items():
        if len(places) > 1 or name != CLEAN:
            mean = sum(values[place.at] for place in places) / len(places)
            yield Point(key_name(f"mean/{name}"), mean)
    for name, at in found.named.items():
        yield Point(key_name(f"acc_{name}"), values[at])
    yield Point(end_point_key(primary.name), 100 * primary.estimate.value)


def _measure_points(result: EvalResult) -> Iterator[Point]:
    """What the suite reads off all cells together, in percent."""
    for name, value in result.details.get("measures", {}).items():
        yield Point(key_name(f"measure/{name}"), 100 * value)


def _chart_points(result: EvalResult) -> Iterator[Point]:
    """Points of the suite's charts: the step is their x, which is an integer."""
    for chart in result.details.get("charts", ()):
        for x, value in chart["points"]:
            yield Point(key_name(f"{chart['x']}/{chart['name']}"), 100 * value, x)


def _params(result: EvalResult) -> dict[str, str]:
    checkpoint, data = result.checkpoint, result.data
    facts = {
        "data": data.name,
        "split": data.split,
        "images": data.n,
        "seed": result.seed,
        "precision": result.precision,
        "device": result.device,
        "noise_version": result.noise_version,
        "parameters": checkpoint.parameters,
        "flops": checkpoint.flops,
    }
    return {
        **{name: plain(str(value)) for name, value in facts.items()},
        **flat(checkpoint.arch, "arch"),
        **flat(checkpoint.preprocessing, "preprocessing"),
        **flat(checkpoint.training, "training"),
        **flat(result.suite, "suite"),
    }


def _tags(result: EvalResult) -> dict[str, str]:
    checkpoint, data = result.checkpoint, result.data
    facts = {
        "kind": "arm",
        "suite": result.suite["name"],
        "checkpoint": checkpoint.name,
        "uri": checkpoint.uri,
        "sha256": checkpoint.sha256,
        "architecture": checkpoint.arch.get("kind", "unknown"),
        "connectivity": checkpoint.arch.get("connectivity", "unknown"),
        "depth": checkpoint.arch.get("depth", "unknown"),
        "train_seed": checkpoint.training.get("seed", "unknown"),
        "data": data.name,
        "data_fingerprint": data.fingerprint,
        "noise_digest": result.noise_digest,
        "skipped": len(result.skipped),
        "version": result.versions.get("acn-eval", "unknown"),
    }
    return {f"acn_eval.{name}": plain(str(value)) for name, value in facts.items()}


def _csv(accuracies: Sequence[Accuracy]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["condition", "images", "accuracy_pp", "low_pp", "high_pp", "notes"])
    for a in accuracies:
        points = [f"{100 * x:.3f}" for x in (a.estimate.value, a.estimate.low, a.estimate.high)]
        table.writerow([plain(a.name), a.n, *points, plain("; ".join(a.notes))])
    return text.getvalue()
