"""Chooses what a report is about: what is stored, or results that are compared now."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from acn_eval.errors import ConfigError, DataError
from acn_eval.figures import side_labels
from acn_eval.gate.verdict import Verdict
from acn_eval.report.verdicts import verdict_about
from acn_eval.results import Cell, EvalResult, connectivity_of
from acn_eval.statistics import Comparison
from acn_eval.statistics.comparison import FILE, comparison_key, load_comparison
from acn_eval.statistics.pairing import require_complete
from acn_eval.statistics.ranking import RANKING, Ranking, ranking_key
from acn_eval.statistics.soundness import plain
from acn_eval.studies.compare import compare, labelled, networks, rank
from acn_eval.studies.table import analysis_of
from acn_eval.tracking.stored_results import OnDisk

__all__ = ["Material", "Standing", "head_cells", "material"]


@dataclass(frozen=True)
class Material:
    """What a report may read.

    Attributes:
        comparison: None where there is one network alone.
        candidates, baselines: results of the sides; empty where they are not stored any more.
        verdict: of a gate on exactly this pair, if it is stored beside the results.
        others: number of stored comparisons that the report is not about.
    """

    comparison: Comparison | None
    candidates: tuple[EvalResult, ...]
    baselines: tuple[EvalResult, ...]
    verdict: Verdict | None = None
    others: int = 0

    @property
    def results(self) -> tuple[EvalResult, ...]:
        """The results of both sides."""
        return (*self.candidates, *self.baselines)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the sides, which differ."""
        if self.comparison is None:
            return (self.candidates[0].checkpoint.name,)
        return side_labels(self.comparison)

    @property
    def sides(self) -> dict[str, tuple[EvalResult, ...]]:
        """The results that are still stored, by label."""
        both = zip(self.labels, (self.candidates, self.baselines), strict=False)
        return {label: results for label, results in both if results}

    @property
    def what(self) -> str:
        """What the key is of."""
        return "comparison" if self.comparison else "result"

    @property
    def key(self) -> str:
        """The key of the comparison, or of the only result."""
        return comparison_key(self.comparison) if self.comparison else self.candidates[0].key

    @property
    def suite(self) -> str:
        """The name of the suite."""
        return self.comparison.suite if self.comparison else str(self.candidates[0].suite["name"])


@dataclass(frozen=True)
class Standing:
    """What a report of a ranking may read.

    Attributes:
        results: of the networks, in their order; those that are still stored.
        others: number of stored comparisons and rankings that the report is not about.
    """

    ranking: Ranking
    results: tuple[EvalResult, ...]
    others: int = 0

    @property
    def sides(self) -> dict[str, tuple[EvalResult, ...]]:
        """The results that are still stored, by label."""
        places = self.ranking.places
        own = {p.named: tuple(r for r in self.results if r.key in p.keys) for p in places}
        return {label: results for label, results in own.items() if results}

    @property
    def what(self) -> str:
        """What the key is of."""
        return "ranking"

    @property
    def key(self) -> str:
        """The key of the ranking."""
        return ranking_key(self.ranking)

    @property
    def suite(self) -> str:
        """The name of the suite."""
        return self.ranking.suite


def material(found: OnDisk, baseline: str | None = None) -> Material | Standing:
    """Return what a report is about.

    The newest stored comparison or ranking, or one beside the results that is about exactly these;
    else the results are compared: the baseline is the named network, the residual one, or the
    second. Results of more than two networks are ranked.

    Args:
        found: what is stored, with its folders.
        baseline: name of a network or label.

    Raises:
        ConfigError: no such network, or results of different questions.
    """
    found = _completed(found)
    require_complete(found.results)
    stored: list[Comparison | Ranking] = [
        *(c for c in found.comparisons if baseline in (None, c.baseline.label)),
        *(r for r in found.rankings if baseline is None),
    ]
    others = len(found.comparisons) + len(found.rankings) - 1
    newest = max(stored, key=lambda c: _written(found, c), default=None)
    if isinstance(newest, Ranking):
        return replace(_ranked(newest, found), others=others)
    if newest is not None:
        chosen = replace(_of_stored(newest, found), others=others)
    else:
        groups = _groups(found.results)
        if len(groups) > 2:
            return _ranked(_ranking(groups, baseline), found)
        chosen = _of_groups(groups, baseline)
    folders = [found.artifacts[r.key] for r in chosen.results]
    if chosen.key in found.artifacts:
        folders.append(found.artifacts[chosen.key])
    return replace(chosen, verdict=verdict_about(chosen.results, folders))


def head_cells(result: EvalResult) -> list[Cell]:
    """Return the cells that show the network as it is, by what its suite calls so."""
    own = [c for c in result.cells if c.measure == "correct"]
    return analysis_of(result.suite).whole(own)


def _completed(found: OnDisk) -> OnDisk:
    """Add a stored comparison of exactly these results, and the results of comparisons."""
    parents = dict.fromkeys(folder.parent for folder in found.artifacts.values())
    added: list[tuple[EvalResult | Comparison, Path]] = []
    comparisons = list(found.comparisons)
    if not comparisons:
        for at in (f.parent for p in parents for f in sorted(p.glob(f"*/{FILE}"))):
            near = load_comparison(at)
            if set(near.keys) == {result.key for result in found.results}:
                added.append((near, at))
                comparisons.append(near)
    compared: list[Comparison | Ranking] = [*comparisons, *found.rankings]
    missing = {key for c in compared for key in c.keys} - found.artifacts.keys()
    for parent in parents:
        for key in sorted(missing):
            files = parent.glob(f"*-{key}/result.json")
            added += [(EvalResult.load(file.parent), file.parent) for file in files]
    return OnDisk.of([*found.pairs(), *added])


def _written(found: OnDisk, compared: Comparison | Ranking) -> float:
    if isinstance(compared, Ranking):
        return (found.artifacts[ranking_key(compared)] / RANKING).stat().st_mtime
    return (found.artifacts[comparison_key(compared)] / FILE).stat().st_mtime


def _of_stored(comparison: Comparison, found: OnDisk) -> Material:
    held = {result.key: result for result in found.results}
    candidates, baselines = (
        tuple(held[key] for key in arm.keys if key in held)
        for arm in (comparison.candidate, comparison.baseline)
    )
    return Material(comparison, candidates, baselines)


def _ranked(ranking: Ranking, found: OnDisk) -> Standing:
    held = {result.key: result for result in found.results}
    return Standing(ranking, tuple(held[key] for key in ranking.keys if key in held))


def _ranking(groups: Sequence[tuple[EvalResult, ...]], baseline: str | None) -> Ranking:
    entries = labelled(groups)
    named = [] if baseline is None else [[*entries][_position(groups, baseline)]]
    return rank(entries, baselines=named)


def _of_groups(groups: Sequence[tuple[EvalResult, ...]], baseline: str | None) -> Material:
    at = _position(groups, baseline)
    if len(groups) == 1:
        return Material(None, groups[0], ())
    candidates = groups[1 - at]
    return Material(compare(candidates, groups[at]), candidates, groups[at])


def _groups(results: Sequence[EvalResult]) -> list[tuple[EvalResult, ...]]:
    """Files of one architecture are seeds of it, unless there is only one architecture.

    Where there are more than two, those that record one recipe are seeds.

    Raises:
        DataError: there is no result.
    """
    if not results:
        raise DataError("report: results must be one or more; got none")
    found: dict[str, list[EvalResult]] = {}
    for result in results:
        arch = json.dumps(plain(result.checkpoint.arch), sort_keys=True)
        found.setdefault(arch, []).append(result)
    if len(found) == 1:
        return [(result,) for result in results]
    if len(found) > 2:
        return [tuple(group) for group in networks(results, group=False)]
    return [tuple(group) for group in found.values()]


def _position(groups: Sequence[Sequence[EvalResult]], baseline: str | None) -> int:
    """Which group is the baseline."""
    names = [{result.checkpoint.name for result in group} for group in groups]
    if baseline is not None:
        named = [i for i, own in enumerate(names) if baseline in own]
        if not named:
            known = ", ".join(sorted(set().union(*names)))
            raise ConfigError(f"`baseline`: must be one of {known}; got {baseline}", "baseline")
        return named[0]
    residual = [
        i for i, g in enumerate(groups) if connectivity_of(g[0].checkpoint.arch) == "residual"
    ]
    return residual[0] if len(residual) == 1 else 1
