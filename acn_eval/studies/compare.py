"""Compares stored results in the terms of their study."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from acn_eval.errors import ConfigError
from acn_eval.results import EvalResult
from acn_eval.statistics import compare as pairs
from acn_eval.statistics import pairing, ranking
from acn_eval.statistics.analysis import Analysis
from acn_eval.statistics.comparison import Accuracy, Comparison
from acn_eval.statistics.interim import Interim, interim
from acn_eval.statistics.manifest import caveats, manifest
from acn_eval.statistics.metrics import METRICS, metric_of, metrics_of_data
from acn_eval.statistics.sequential import order_names
from acn_eval.statistics.soundness import plain
from acn_eval.studies.table import analysis_of, kind_of, studies, study

__all__ = [
    "analysis_about",
    "by_metric",
    "compare",
    "entries_of",
    "join",
    "look",
    "metrics_for",
    "rank",
    "require_accuracy",
    "summarize",
]

_DECIDED_BY = ("recipe", "learning_rate", "data")


def compare(
    candidates: Sequence[EvalResult],
    baselines: Sequence[EvalResult],
    *,
    metric: str | None = None,
) -> Comparison:
    """Compare candidates with baselines, one result per training seed on each side.

    Without a metric it is the first of `metrics_for`; so it is everywhere here.

    With fewer than three files on a side, the sample is the examples (score method); with three
    or more on both, it is seeds and examples.

    Raises:
        ConfigError: different examples, noise or suite, or a side that is not one architecture.
    """
    comparison = pairs.compare(candidates, baselines, _analysis(candidates, metric))
    return replace(comparison, kind=kind_of(candidates[0].suite))


def require_accuracy(metric: str) -> None:
    """Refuse a metric that cannot be looked at before all examples are measured.

    Raises:
        ConfigError: it is not accuracy.
    """
    if metric != "accuracy":
        msg = f"`sequential`: metric must be accuracy; got {metric}"
        raise ConfigError(f"{msg}. Leave out `sequential`, or choose accuracy.", "sequential")


def look(
    candidate: EvalResult, baseline: EvalResult, *, total: int, metric: str | None = None
) -> Interim | None:
    """Judge a pair on the examples shown so far; None if they decide nothing yet.

    The results are on the first examples of the order that both weights key; `total` examples
    were fixed before the first look.

    Raises:
        ConfigError: results of different questions, or another metric than accuracy.
    """
    require_accuracy(metrics_for([candidate], metric)[0])
    pairing.require_same_question([candidate, baseline])
    outcomes, data = join([candidate, baseline], metric="accuracy"), candidate.data
    ours, theirs = candidate.checkpoint, baseline.checkpoint
    order = order_names(ours, theirs, str(candidate.suite["name"]))
    found = interim(outcomes, (ours.name, theirs.name), order, shown=data.n, total=total)
    if found is None:
        return None
    fairness = manifest([candidate], [baseline])
    limits = caveats((1, 1), data.name, data.n, outcomes.endpoint, fairness)
    return replace(found, warnings=(*limits, *found.warnings))


def summarize(results: Sequence[EvalResult], *, metric: str | None = None) -> tuple[Accuracy, ...]:
    """Return the metric under every condition, and last on the primary endpoint.

    Raises:
        ConfigError: results of different questions or architectures, or stopped early.
    """
    return pairs.summarize(results, _analysis(results, metric))


def by_metric(results: Sequence[EvalResult]) -> dict[str, tuple[Accuracy, ...]]:
    """Return `summarize` by metric: that of the data first, then what stored outcomes define."""
    own = metrics_for(results)[0]
    found = {own: summarize(results)}
    for metric in METRICS.keys() - found.keys():
        with suppress(ConfigError):
            found[metric] = summarize(results, metric=metric)
    return {metric: found[metric] for metric in dict.fromkeys((own, *METRICS)) if metric in found}


def metrics_for(results: Sequence[EvalResult], metric: str | None = None) -> tuple[str, ...]:
    """Return the names of the metric that is asked for or else, primary first, of the data's.

    A study whose verdict is another finding, such as the depth that a network needs, states
    accuracy, in which that finding is.
    """
    if metric or not results:
        return (metric or "accuracy",)
    finds = any(endpoint.decisive for endpoint in analysis_of(results[0].suite).endpoints)
    own = metrics_of_data(results[0].details)
    return tuple(dict.fromkeys((*["accuracy"] * finds, *own)))


def join(results: Sequence[EvalResult], *, metric: str | None = None) -> pairing.Outcomes:
    """Return the outcomes (files, conditions, examples) that all results share.

    Raises:
        ConfigError: no condition, or fewer than two examples, are shared; or outcomes are
            missing or contradictory.
    """
    return pairing.join(results, _analysis(results, metric))


def rank(
    entries: Mapping[str, Sequence[EvalResult]],
    *,
    metric: str | None = None,
    alpha: float = 0.05,
) -> ranking.Ranking:
    """Compare all pairs of entries on the primary endpoint, with Holm over the pairs.

    An entry has one result per training seed; `alpha` is the error of the whole family of pairs.

    Raises:
        ConfigError: fewer than two entries, or results of different questions.
    """
    first = next(iter(entries.values()), ())
    return ranking.rank(entries, _analysis(first, metric), alpha=alpha)


def analysis_about(comparison: Comparison) -> Analysis:
    """Return the analysis of a comparison; one of schema 1 states no kind, and has any axis."""
    if comparison.kind:
        return study(comparison.kind).analysis
    every = [own.analysis for own in studies().values()]
    return replace(
        analysis_of({}),
        axes=tuple(axis for own in every for axis in own.axes),
        bare=frozenset().union(*(own.bare for own in every)),
    )


def entries_of(results: Sequence[EvalResult], *, group: bool) -> dict[str, list[EvalResult]]:
    """Return results by label: one each or, grouped, one per architecture and recipe.

    Files of one name get the beginning of their key as well.
    """
    if not group:
        names = Counter(r.checkpoint.name for r in results)
        return {
            name if names[name] == 1 else f"{name} {r.key[:6]}": [r]
            for r in results
            for name in [r.checkpoint.name]
        }
    groups: dict[str, list[EvalResult]] = {}
    for result in results:
        groups.setdefault(_recipe(result), []).append(result)
    return {_label(own): own for own in groups.values()}


def _recipe(result: EvalResult) -> str:
    checkpoint = result.checkpoint
    training = [checkpoint.training.get(name) for name in _DECIDED_BY]
    return json.dumps([plain(checkpoint.arch), training], sort_keys=True, default=str)


def _label(results: Sequence[EvalResult]) -> str:
    replicate = _analysis(results).endpoint_of(results[0].suite).replicate
    name = results[0].checkpoint.name.partition(f" {replicate} ")[0]
    return name if len(results) == 1 else f"{name} ({len(results)} {replicate}s)"


def _analysis(results: Sequence[EvalResult], metric: str | None = None) -> Analysis:
    """Without results, the analysis of robustness: they are refused where they are compared."""
    own = analysis_of(results[0].suite if results else {})
    return replace(own, metric=metric_of(metrics_for(results, metric)[0]))
