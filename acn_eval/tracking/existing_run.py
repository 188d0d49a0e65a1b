"""Logs a result into a run that somebody else began: `mlflow.models.evaluate`'s."""

from collections.abc import Iterator, Mapping
from typing import Any

from acn_eval.foreign_text import plain
from acn_eval.results import EvalResult
from acn_eval.statistics import Comparison
from acn_eval.studies.compare import summarize
from acn_eval.tracking.result_run import arm_run
from acn_eval.tracking.run_content import end_point_key, key_name
from acn_eval.tracking.tables import accuracy_table, comparison_table

__all__ = ["FOLDER", "log", "metrics", "table"]

FOLDER = "acn_eval"


def metrics(result: EvalResult, comparison: Comparison | None) -> dict[str, float]:
    """Return one number per condition, in percentage points, without steps.

    ``acc/gaussian_0.1`` is an accuracy, ``mean/corrupted`` the primary end point, and
    ``diff_pp/gaussian_0.1`` with ``ci_low_pp``, ``ci_high_pp`` and ``p_holm`` the comparison.
    """
    *rows, primary = summarize([result])
    found = {f"acc/{row.name}": 100 * row.estimate.value for row in rows}
    found[end_point_key(primary.name)] = 100 * primary.estimate.value
    found.update(_compared(comparison) if comparison else ())
    return {key_name(name.replace(",", "")): value for name, value in found.items()}


def _compared(comparison: Comparison) -> Iterator[tuple[str, float]]:
    named = {row.name: row for row in comparison.rows}
    for name, row in {**named, "primary": comparison.primary}.items():
        yield f"diff_pp/{name}", 100 * row.difference.value
        yield f"ci_low_pp/{name}", 100 * row.difference.low
        yield f"ci_high_pp/{name}", 100 * row.difference.high
        yield f"p_holm/{name}", row.p_holm


def log(
    client: Any,
    run: str,
    result: EvalResult,
    comparison: Comparison | None,
    *,
    metrics: Mapping[str, float],
) -> None:
    """Log curves, metrics and tags; the run's own name, description and parameters stay.

    Args:
        client: of the store that holds the run.
        run: its id.
        result: of the model; its curves have levels as steps, as those of arms.
        comparison: with the baseline.
        metrics: to log as well, at step 0.
    """
    from mlflow.entities import Metric, RunTag

    arm = arm_run(result)
    at = client.get_run(run).info.start_time
    curves = [point for point in arm.points if point.key not in metrics and point.step]
    names = {point.key for point in curves}
    started = [point for point in arm.points if point.key in names and not point.step]
    tags = {**arm.tags, "acn_eval.kind": "evaluation", "acn_eval.key": arm.key}
    del tags["mlflow.note.content"]
    if comparison:
        tags["acn_eval.verdict"] = comparison.claim.verdict
        tags["acn_eval.baseline"] = plain(comparison.baseline.label)
    client.log_batch(
        run,
        metrics=[
            *(Metric(p.key, p.value, at, p.step) for p in [*started, *curves]),
            *(Metric(name, value, at, 0) for name, value in metrics.items()),
        ],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )


def table(result: EvalResult, comparison: Comparison | None) -> str:
    """Return the comparison, or the accuracies where there is none, as Markdown."""
    if comparison is None:
        return accuracy_table(result, summarize([result])) + "\n"
    return comparison_table(comparison) + "\n"
