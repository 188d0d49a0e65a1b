"""Compares stored results in the terms of their study."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath

from acn_eval.errors import ConfigError
from acn_eval.results import CheckpointId, EvalResult
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
    "labelled",
    "look",
    "metrics_for",
    "network_key",
    "networks",
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
    baselines: Collection[str] = (),
) -> ranking.Ranking:
    """Compare all pairs of entries on the primary endpoint, with Holm over the pairs.

    An entry has one result per training seed; `alpha` is the error of the whole family of pairs,
    and `baselines` are the labels of entries that are called so.

    Raises:
        ConfigError: fewer than two entries, or results of different questions.
    """
    first = next(iter(entries.values()), ())
    found = ranking.rank(entries, _analysis(first, metric), alpha=alpha, baselines=baselines)
    return replace(found, kind=kind_of(first[0].suite))


def analysis_about(compared: Comparison | ranking.Ranking) -> Analysis:
    """Return the analysis of what was compared; schema 1 states no kind, and has any axis."""
    if compared.kind:
        return study(compared.kind).analysis
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
    return labelled(networks(results, group=True) if group else [[r] for r in results])


def networks(results: Sequence[EvalResult], *, group: bool) -> list[list[EvalResult]]:
    """Return the results of each network, as `network_key` tells networks apart."""
    found: dict[str, list[EvalResult]] = {}
    for result in results:
        found.setdefault(network_key(result.checkpoint, group=group), []).append(result)
    return list(found.values())


def network_key(checkpoint: CheckpointId, *, group: bool) -> str:
    """Return a text that the training seeds of one network share, and no other network has.

    They are of one architecture, and record one recipe, learning rate and data. Where nothing is
    recorded nobody knows: a file is then a network of its own or, grouped, a seed of its
    architecture.
    """
    training = [checkpoint.training.get(name) for name in _DECIDED_BY]
    alone = [] if group or training[0] else [checkpoint.uri]
    facts = [plain(checkpoint.arch), training, *alone]
    return json.dumps(facts, sort_keys=True, default=str)


def labelled(groups: Sequence[Sequence[EvalResult]]) -> dict[str, list[EvalResult]]:
    """Return groups of results by label.

    Equal labels get the name of the file as well or, where that is equal too, the beginning of a
    key.
    """
    labels = [_label(own) for own in groups]
    for names in ([_file(own[0]) for own in groups], [own[0].key[:6] for own in groups]):
        labels = _told_apart(labels, names)
    return {label: [*own] for label, own in zip(labels, groups, strict=True)}


def _told_apart(labels: Sequence[str], names: Sequence[str]) -> list[str]:
    """Add names to labels that are equal, where that tells all of these apart."""
    full = [f"{label} {name}" for label, name in zip(labels, names, strict=True)]
    often, same = Counter(labels), Counter(full)
    unclear = {label for label, own in zip(labels, full, strict=True) if same[own] > 1}
    return [
        label if often[label] == 1 or label in unclear else own
        for label, own in zip(labels, full, strict=True)
    ]


def _file(result: EvalResult) -> str:
    """Return the name of the weight file: ``a`` of ``timm:resnet18@runs/a.pt``."""
    return PurePath(result.checkpoint.uri).stem.rpartition("@")[2]


def _label(results: Sequence[EvalResult]) -> str:
    if len(results) == 1:
        return results[0].checkpoint.name
    replicate = _analysis(results).endpoint_of(results[0].suite).replicate
    name = results[0].checkpoint.name.partition(f" {replicate} ")[0]
    return f"{name} ({len(results)} {replicate}s)"


def _analysis(results: Sequence[EvalResult], metric: str | None = None) -> Analysis:
    """Without results, the analysis of robustness: they are refused where they are compared."""
    own = analysis_of(results[0].suite if results else {})
    return replace(own, metric=metric_of(metrics_for(results, metric)[0]))
