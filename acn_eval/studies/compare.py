"""Compares stored results in the terms of their study."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from acn_eval.results import EvalResult
from acn_eval.statistics import compare as pairs
from acn_eval.statistics import pairing, ranking
from acn_eval.statistics.analysis import Analysis
from acn_eval.statistics.comparison import Accuracy, Comparison
from acn_eval.statistics.metrics import metric_of
from acn_eval.studies.table import analyses, analysis_of, kind_of, study

__all__ = ["analysis_about", "compare", "join", "rank", "summarize"]


def compare(
    candidates: Sequence[EvalResult], baselines: Sequence[EvalResult], *, metric: str = "accuracy"
) -> Comparison:
    """Compare candidates with baselines, one result per training seed on each side.

    With fewer than three files on a side the files are given and the examples are the sample
    (score method); with three or more on both, seeds and examples are both samples.

    Raises:
        ConfigError: different examples, noise or suite, or a side that is not one architecture.
    """
    comparison = pairs.compare(candidates, baselines, _analysis(candidates, metric))
    return replace(comparison, kind=kind_of(candidates[0].suite))


def summarize(results: Sequence[EvalResult], *, metric: str = "accuracy") -> tuple[Accuracy, ...]:
    """Return the metric under every condition, and last on the primary endpoint.

    Raises:
        ConfigError: results of different questions or architectures, or stopped early.
    """
    return pairs.summarize(results, _analysis(results, metric))


def join(results: Sequence[EvalResult], *, metric: str = "accuracy") -> pairing.Outcomes:
    """Return the outcomes (files, conditions, examples) that all results share.

    Raises:
        ConfigError: no condition, or fewer than two examples, are shared; or outcomes that are
            none or cannot be true together.
    """
    return pairing.join(results, _analysis(results, metric))


def rank(
    entries: Mapping[str, Sequence[EvalResult]], *, metric: str = "accuracy", alpha: float = 0.05
) -> ranking.Ranking:
    """Compare all pairs on the primary endpoint, with Holm over the pairs.

    Args:
        entries: results by label, one per training seed of an entry.
        metric: in which they are ranked, by its name in `statistics.metrics.METRICS`.
        alpha: of the whole family of pairs.

    Raises:
        ConfigError: fewer than two entries, or results of different questions.
    """
    first = next(iter(entries.values()), ())
    return ranking.rank(entries, _analysis(first, metric), alpha=alpha)


def analysis_about(comparison: Comparison) -> Analysis:
    """Return what a comparison is about; an older one, of no known kind, has any axis."""
    if comparison.kind:
        return study(comparison.kind).analysis
    every = analyses()
    return replace(
        analysis_of({}),
        axes=tuple(axis for own in every for axis in own.axes),
        bare=frozenset().union(*(own.bare for own in every)),
    )


def _analysis(results: Sequence[EvalResult], metric: str) -> Analysis:
    """Of no result, that of robustness: what is empty is refused below, in one place."""
    own = analysis_of(results[0].suite if results else {})
    return replace(own, metric=metric_of(metric))
