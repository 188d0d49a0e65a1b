"""The run of one comparison: candidate against baseline."""

import math
from collections.abc import Iterator, Mapping

from acn_eval.foreign_text import markdown, plain
from acn_eval.statistics import Comparison, Finding, Row
from acn_eval.statistics.comparison import comparison_key
from acn_eval.statistics.curves import Curves
from acn_eval.statistics.quantity import Quantity
from acn_eval.statistics.ranking import Ranking
from acn_eval.studies.compare import analysis_about
from acn_eval.tracking.run_content import NAME, Point, RunContent, digest, key_name, tags_of
from acn_eval.tracking.tables import comparison_table, description

__all__ = ["comparison_run", "step_in_words"]

_PAGES = "?workflowType=machine_learning"
_SINCE = {"kind", "example"}  # files of older versions lack them; their digest must not change


def comparison_run(comparison: Comparison, arms: Mapping[str, str], experiment: str) -> RunContent:
    """Return the content of the run of one comparison.

    Args:
        comparison: what to record.
        arms: run id of every arm that is in the store, by the key of its result.
        experiment: id of the experiment of those runs.
    """
    left, right, quantity = comparison.candidate, comparison.baseline, comparison.quantity
    table = comparison_table(comparison)
    links = "\n".join(_links(comparison, arms, experiment))
    metric = "" if quantity.scored else f", {quantity.name}"
    return RunContent(
        name=plain(f"{left.label} vs {right.label}{metric}", NAME),
        suite=comparison.suite,
        step=step_in_words(comparison),
        key=comparison_key(comparison),
        digest=digest({k: v for k, v in comparison.to_dict().items() if k not in _SINCE}),
        points=tuple(_points(comparison)),
        params={
            "candidate": plain(left.label),
            "baseline": plain(right.label),
            "data": plain(comparison.data),
            f"{comparison.example}s": str(comparison.n),
            "unit": comparison.unit,
            "metric": quantity.name,
        },
        tags={
            **tags_of(_facts(comparison, arms)),
            "mlflow.note.content": description(f"{table}\n\n{links}"),
        },
        files={"table.md": f"{table}\n"},
        created_ms=None,
    )


def step_in_words(compared: Comparison | Ranking) -> str:
    """Return what the step of the metrics of a comparison, or of the arms of a ranking, is."""
    return _curves(compared).axis.step_in_words


def _curves(compared: Comparison | Ranking) -> Curves:
    return analysis_about(compared).curves([row.condition for row in compared.rows])


def _facts(comparison: Comparison, arms: Mapping[str, str]) -> dict[str, str]:
    sides = {"candidate": comparison.candidate, "baseline": comparison.baseline}
    facts = {
        "kind": "comparison",
        "suite": comparison.suite,
        "data": comparison.data.partition(" ")[0],
        "unit": comparison.unit,
        "verdict": comparison.claim.verdict,
    }
    for side, arm in sides.items():
        facts[side] = arm.label
        facts[f"{side}_keys"] = ",".join(arm.keys)
        facts[f"{side}_runs"] = ",".join(arms[key] for key in arm.keys if key in arms)
    return facts


def _links(comparison: Comparison, arms: Mapping[str, str], experiment: str) -> Iterator[str]:
    """Yield a Markdown line per side, with links to the runs of its arms."""
    for arm in (comparison.candidate, comparison.baseline):
        runs = [arms[key] for key in arm.keys if key in arms]
        linked = [f"[{run[:8]}](#/experiments/{experiment}/runs/{run}{_PAGES})" for run in runs]
        yield f"- {markdown(arm.label)}: {', '.join(linked) or 'not recorded'}"


def _points(comparison: Comparison) -> Iterator[Point]:
    found = _curves(comparison)
    for name, places in {**found.lines, **found.drawn()}.items():
        for place in places:
            row = comparison.rows[place.at]
            yield from _row_points(row, name, found.axis.step(place.level), comparison.quantity)
    for name, at in found.named.items():
        yield from _row_points(comparison.rows[at], name, 0, comparison.quantity)
    yield from _row_points(comparison.primary, "primary", 0, comparison.quantity)
    for finding in comparison.findings:
        yield from _finding_points(finding)
    for what, value in vars(comparison.ratio).items() if comparison.ratio else ():
        yield Point(f"error_ratio/{what}", value)


def _row_points(row: Row, name: str, at: int, quantity: Quantity) -> Iterator[Point]:
    """Yield differences in percentage points, or in the unit of the quantity."""
    unit, d = "_pp" if quantity.scale == 100 else "", row.difference
    sizes = {"diff": d.value, "ci_low": d.low, "ci_high": d.high, "mde": row.mde}
    values = {f"{what}{unit}": quantity.scale * value for what, value in sizes.items()}
    for what, value in {**values, "p_holm": row.p_holm}.items():
        yield Point(key_name(f"{what}/{name}"), value, at)


def _finding_points(finding: Finding) -> Iterator[Point]:
    """Yield both sides and their difference, in the unit of the finding."""
    for side in ("candidate", "baseline", "difference"):
        estimate = getattr(finding, side)
        for what, value in vars(estimate).items() if estimate is not None else ():
            if math.isfinite(value):
                yield Point(key_name(f"{side}_{what}/{finding.name}"), value)
