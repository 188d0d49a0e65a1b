"""Figures of results: curves, maps over depth, and those that their study draws itself."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from acn_eval.charts.canvas import Drawing, save
from acn_eval.charts.kinds import Line, Sides, curves, detail_charts, heat_map, ranked
from acn_eval.results import EvalResult
from acn_eval.statistics import Accuracy, Comparison
from acn_eval.statistics.comparison import FILE, comparison_key
from acn_eval.statistics.curves import Curves
from acn_eval.statistics.quantity import SHARE
from acn_eval.statistics.ranking import RANKING, Ranking, ranking_key
from acn_eval.studies.compare import analysis_about, summarize
from acn_eval.studies.table import analysis_of, study_of

__all__ = ["NAME", "draw_comparison", "draw_missing", "draw_rankings", "draw_result", "drawings"]
__all__ += ["ranking_drawing", "side_labels"]

NAME = "accuracy"


def drawings(sides: Sides, comparison: Comparison | None = None) -> Iterator[Drawing]:
    """Yield accuracy over the axis of the study, maps over depth, and the study's own figures.

    Results by label may be missing where their comparison is given.
    """
    results = [*chain(*sides.values())]
    analysis = analysis_about(comparison) if comparison else analysis_of(results[0].suite)
    rows = _rows(sides, comparison)
    grouped = {label: analysis.curves([a.condition for a in own]) for label, own in rows.items()}
    found = {label: _lines(grouped[label], own) for label, own in rows.items()}
    axis = next(iter(grouped.values())).axis
    titles = dict.fromkeys(title for lines in found.values() for title in lines)
    charts = {t: {label: lines.get(t, ()) for label, lines in found.items()} for t in titles}
    of = next((a.quantity for own in rows.values() for a in own), SHARE)
    name = f"{of.name[:1].upper()}{of.name[1:]} in %"
    if of.unit == "%":  # the axes are those of a share
        lines = curves(charts, x_label=axis.label, logarithmic=axis.logarithmic)
        yield Drawing(NAME, f"{name} against {axis.label}, with 95 % bands", lines, tuple(found))
    if of.unit == "%" and axis.mapped and len(titles) > 2:
        maps = (heat_map(label, lines, x_label=axis.label) for label, lines in found.items())
        yield Drawing("depth_map", f"{name} over {axis.label} and noise", tuple(maps))
    if results:
        own = study_of(results[0].suite).figure
        yield from own.drawings(sides) if own else detail_charts(sides)


def draw_result(result: EvalResult, folder: Path) -> None:
    """Draw one checkpoint into the folder of its result."""
    title = f"{result.data.name} {result.data.split}, {result.data.n} {result.checkpoint.example}s"
    _save(drawings({result.checkpoint.name: [result]}), folder, title)


def draw_comparison(
    comparison: Comparison, folder: Path, results: Sequence[EvalResult] = ()
) -> None:
    """Draw both sides into the folder of their comparison, with the verdict above them."""
    arms = zip(side_labels(comparison), (comparison.candidate, comparison.baseline), strict=True)
    sides = {label: [r for r in results if r.key in arm.keys] for label, arm in arms}
    found = drawings({label: own for label, own in sides.items() if own}, comparison)
    _save(found, folder, comparison.claim.sentence)


def draw_missing(
    results: Sequence[EvalResult], comparisons: Sequence[Comparison], folders: Mapping[str, Path]
) -> None:
    """Draw results and comparisons without a current figure into their folders, by key.

    Results that are mere replicates are drawn in their comparison only.
    """
    compared = {key for c in comparisons for key in (*c.candidate.keys, *c.baseline.keys)}
    for result in results:
        suite = result.suite
        alone = result.key not in compared or analysis_of(suite).endpoint_of(suite).alone
        if alone and _outdated(folders[result.key], "result.json"):
            draw_result(result, folders[result.key])
    for comparison in comparisons:
        folder = folders[comparison_key(comparison)]
        if _outdated(folder, FILE):
            draw_comparison(comparison, folder, results)


def ranking_drawing(ranking: Ranking) -> Drawing:
    """Return the primary endpoint of every network with its limits, the best first."""
    rows = [(p.named, p.end_point.estimate, p.letters) for p in ranking.places]
    caption = (
        f"{ranking.end_point}, {ranking.data}, with 95 % intervals; networks that share a letter "
        "do not differ significantly"
    )
    return Drawing("ranking", caption, (ranked(rows, ranking.quantity),))


def draw_rankings(rankings: Sequence[Ranking], folders: Mapping[str, Path]) -> None:
    """Draw rankings without a current figure into their folders, by key."""
    for ranking in rankings:
        folder, drawing = folders[ranking_key(ranking)], ranking_drawing(ranking)
        if _outdated(folder, RANKING, drawing.name):
            save(drawing, folder, ranking.answer)


def side_labels(comparison: Comparison) -> tuple[str, str]:
    """Return the names of both sides, distinct."""
    left, right = comparison.candidate.label, comparison.baseline.label
    return left, right if right != left else f"{right} (baseline)"


def _save(found: Iterable[Drawing], folder: Path, title: str) -> None:
    """Save the curves last, so that all figures are there where they are."""
    for drawing in reversed([*found]):
        save(drawing, folder, title)


def _outdated(folder: Path, facts: str, name: str = NAME) -> bool:
    figure = folder / f"{name}.svg"
    return not figure.exists() or figure.stat().st_mtime < (folder / facts).stat().st_mtime


def _rows(sides: Sides, comparison: Comparison | None) -> dict[str, list[Accuracy]]:
    if comparison is None:
        return {label: [a for a in summarize(own) if a.condition] for label, own in sides.items()}
    rows, of = comparison.rows, comparison.quantity
    left, right = side_labels(comparison)
    return {
        left: [Accuracy(r.name, r.condition, r.n, r.candidate, quantity=of) for r in rows],
        right: [Accuracy(r.name, r.condition, r.n, r.baseline, quantity=of) for r in rows],
    }


def _lines(found: Curves, rows: Sequence[Accuracy]) -> dict[str, Line]:
    return {
        name.replace("_", " "): [(place.level, rows[place.at].estimate) for place in places]
        for name, places in found.drawn().items()
    }
