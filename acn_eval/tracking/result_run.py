"""The run of one arm: one checkpoint through one suite with one seed."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from acn_eval.foreign_text import plain
from acn_eval.results import EvalResult, connectivity_of
from acn_eval.statistics import Accuracy
from acn_eval.statistics.curves import CLEAN, Curves
from acn_eval.studies.compare import by_metric
from acn_eval.studies.table import analysis_of
from acn_eval.tracking.run_content import (
    NAME,
    Point,
    RunContent,
    digest,
    end_point_key,
    flat,
    key_name,
    tags_of,
)
from acn_eval.tracking.tables import accuracy_table, description

__all__ = ["arm_run"]


def arm_run(result: EvalResult) -> RunContent:
    """Return the content of the run of one result."""
    metrics = by_metric([result])
    metric, accuracies = next(iter(metrics.items()))
    values = [[a.name, a.n, a.estimate.value] for a in accuracies]
    seed = f" seed {result.seed}" if result.seed else ""
    return RunContent(
        name=plain(f"{result.checkpoint.name}{seed}", NAME),
        suite=str(result.suite["name"]),
        step=_curves(result, accuracies).axis.step_in_words,
        key=result.key,
        digest=digest(values),
        points=(*_points(result, metrics), *_detail_points(result), *_spread_points(result)),
        params=_params(result),
        tags={
            **tags_of(_facts(result)),
            "mlflow.note.content": description(accuracy_table(result, accuracies)),
        },
        files={f"{metric}.csv": _csv(metric, accuracies, result.checkpoint.example)},
        created_ms=result.created_ms,
    )


def _curves(result: EvalResult, rows: Sequence[Accuracy]) -> Curves:
    return analysis_of(result.suite).curves([row.condition for row in rows if row.condition])


def _points(result: EvalResult, metrics: Mapping[str, Sequence[Accuracy]]) -> Iterator[Point]:
    """Yield curves of every metric in its unit; those over levels start at clean examples."""
    for metric, (*rows, primary) in metrics.items():
        found, scale = _curves(result, rows), primary.quantity.scale
        values = [scale * row.estimate.value for row in rows]
        prefix = "acc" if metric == "accuracy" else metric
        for name, places in {**found.lines, **found.drawn()}.items():
            for place in places:
                step = found.axis.step(place.level)
                yield Point(key_name(f"{prefix}/{name}"), values[place.at], step)
        for name, at in found.named.items():
            yield Point(key_name(f"{prefix}_{name}"), values[at])
        own = scale * primary.estimate.value
        if metric != "accuracy":
            yield Point(f"{metric}/primary", own)
            continue
        for name, places in found.lines.items():
            if len(places) > 1 or name != CLEAN:
                mean = sum(values[place.at] for place in places) / len(places)
                yield Point(key_name(f"mean/{name}"), mean)
        yield Point(end_point_key(primary.name), own)


def _detail_points(result: EvalResult) -> Iterator[Point]:
    """Yield what the suite measures beside its cells, in percent; the x of a chart is the step."""
    for name, value in result.details.get("measures", {}).items():
        yield Point(key_name(f"measure/{name}"), 100 * value)
    for chart in result.details.get("charts", ()):
        for x, value in chart["points"]:
            yield Point(key_name(f"{chart['x']}/{chart['name']}"), 100 * value, x)


def _spread_points(result: EvalResult) -> Iterator[Point]:
    """Yield what was measured of the outputs of every exit, which is the step."""
    spread = result.details.get("spread", {})
    for when in ("trained", "initial") if "trained" in spread else ():
        for exit, row in enumerate(spread[when] or ()):
            known = {name: value for name, value in row.items() if value is not None}
            for name, value in known.items():
                yield Point(key_name(f"spread_{when}/{name}"), value, exit)


def _params(result: EvalResult) -> dict[str, str]:
    checkpoint, data = result.checkpoint, result.data
    facts = {
        "data": data.name,
        "split": data.split,
        f"{checkpoint.example}s": data.n,
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


def _facts(result: EvalResult) -> dict[str, object]:
    checkpoint, data = result.checkpoint, result.data
    return {
        "kind": "arm",
        "suite": result.suite["name"],
        "checkpoint": checkpoint.name,
        "uri": checkpoint.uri,
        "sha256": checkpoint.sha256,
        "architecture": checkpoint.arch.get("kind", "unknown"),
        "connectivity": connectivity_of(checkpoint.arch),
        "depth": checkpoint.arch.get("depth", "unknown"),
        "train_seed": checkpoint.training.get("seed", "unknown"),
        "data": data.name,
        "data_fingerprint": data.fingerprint,
        "noise_digest": result.noise_digest,
        "skipped": len(result.skipped),
        "version": result.versions.get("acn-eval", "unknown"),
    }


def _csv(metric: str, accuracies: Sequence[Accuracy], example: str) -> str:
    text, scale = io.StringIO(), accuracies[-1].quantity.scale
    table = csv.writer(text, lineterminator="\n")
    values = [f"{name}{'_pp' if scale == 100 else ''}" for name in (metric, "low", "high")]
    table.writerow(["condition", f"{example}s", *values, "notes"])
    for a in accuracies:
        points = [f"{scale * x:.3f}" for x in (a.estimate.value, a.estimate.low, a.estimate.high)]
        table.writerow([plain(a.name), a.n, *points, plain("; ".join(a.notes))])
    return text.getvalue()
