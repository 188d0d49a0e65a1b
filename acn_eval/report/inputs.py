"""Chooses what a report is about: a stored comparison, or two sides that are compared now."""

import json
import shlex
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
from acn_eval.statistics.soundness import plain
from acn_eval.studies.compare import compare
from acn_eval.studies.table import analysis_of
from acn_eval.tracking.stored_results import OnDisk

__all__ = ["Material", "head_cells", "material"]


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
    def key(self) -> str:
        """The key of the comparison, or of the only result."""
        return comparison_key(self.comparison) if self.comparison else self.candidates[0].key

    @property
    def suite(self) -> str:
        """The name of the suite."""
        return self.comparison.suite if self.comparison else str(self.candidates[0].suite["name"])


def material(found: OnDisk, baseline: str | None = None) -> Material:
    """Return what a report is about.

    The newest stored comparison, or one beside the results that is about exactly these; else the
    results are compared: the baseline is the named network, the residual one, or the second.

    Args:
        found: results and comparisons with their folders.
        baseline: name of a network or label.

    Raises:
        ConfigError: no such network, or results that do not make two sides.
    """
    found = _completed(found)
    require_complete(found.results)
    stored = [c for c in found.comparisons if baseline in (None, c.baseline.label)]
    if stored:
        newest = max(stored, key=lambda c: _written(found, c))
        chosen = replace(_of_stored(newest, found), others=len(found.comparisons) - 1)
    else:
        chosen = _of_results(found, baseline)
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
            if set(_arms(near)) == {result.key for result in found.results}:
                added.append((near, at))
                comparisons.append(near)
    missing = {key for c in comparisons for key in _arms(c)} - found.artifacts.keys()
    for parent in parents:
        for key in sorted(missing):
            files = parent.glob(f"*-{key}/result.json")
            added += [(EvalResult.load(file.parent), file.parent) for file in files]
    return OnDisk.of([*found.pairs(), *added])


def _arms(comparison: Comparison) -> tuple[str, ...]:
    return *comparison.candidate.keys, *comparison.baseline.keys


def _written(found: OnDisk, comparison: Comparison) -> float:
    return (found.artifacts[comparison_key(comparison)] / FILE).stat().st_mtime


def _of_stored(comparison: Comparison, found: OnDisk) -> Material:
    held = {result.key: result for result in found.results}
    candidates, baselines = (
        tuple(held[key] for key in arm.keys if key in held)
        for arm in (comparison.candidate, comparison.baseline)
    )
    return Material(comparison, candidates, baselines)


def _of_results(found: OnDisk, baseline: str | None) -> Material:
    if not found.results:
        raise DataError("report: results must be one or more; got none")
    groups = _groups(found.results)
    at = _position(groups, baseline)
    if len(groups) == 1:
        return Material(None, groups[0], ())
    if len(groups) > 2:
        names = ", ".join(group[0].checkpoint.name for group in groups)
        msg = f"report: results must make two sides; got {len(groups)} ({names})"
        raise ConfigError(f"{msg}. {_choice([found.artifacts[g[0].key] for g in groups])}")
    candidates = groups[1 - at]
    return Material(compare(candidates, groups[at]), candidates, groups[at])


def _choice(folders: Sequence[Path]) -> str:
    """Return the commands that show one of several, two, or all."""
    names = [shlex.quote(str(folder)) for folder in folders]
    return (
        f"Show one, or two against each other: acn-eval report {' '.join(names[:2])}; rank all: "
        f"acn-eval compare {' '.join(names)}"
    )


def _groups(results: Sequence[EvalResult]) -> list[tuple[EvalResult, ...]]:
    """Files of one architecture are seeds of it, unless there is only one architecture."""
    found: dict[str, list[EvalResult]] = {}
    for result in results:
        arch = json.dumps(plain(result.checkpoint.arch), sort_keys=True)
        found.setdefault(arch, []).append(result)
    if len(found) == 1:
        return [(result,) for result in results]
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
