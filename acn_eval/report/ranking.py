"""The page of a ranking: who is first, who cannot be told apart, every pair and condition."""

from collections.abc import Iterable, Iterator

from acn_eval.figures import ranking_drawing
from acn_eval.report.inputs import Standing
from acn_eval.report.method import measured, not_measured, provenance
from acn_eval.report.page import Block, Cell, Items, Page, Section, Table, Text, listed
from acn_eval.report.tables import estimated, number, probable, with_level
from acn_eval.statistics.pixels import OTHER_PIXELS
from acn_eval.statistics.ranking import Ranking

__all__ = ["ranking_page"]


def ranking_page(standing: Standing) -> Page:
    """Return the page of a ranking."""
    ranking = standing.ranking
    found = [
        Section("verdict", "Ranking", tuple(_answer(standing))),
        Section("chart", "Chart", (ranking_drawing(ranking),)),
        Section("pairs", "All pairs", (Text(_adjusted(ranking), "note"), _pairs(ranking))),
        Section("rows", "All conditions", tuple(_rows(ranking))),
        Section("fair", "Fair comparison", (_facts(ranking),)),
        Section("method", "How it was tested", (Items(tuple(_method(standing))),)),
        listed("warnings", "Read with care", _warnings(standing)),
        not_measured(standing.results),
        Section("provenance", "Versions and digests", provenance(standing)),
    ]
    title = f"Ranking of {len(ranking.places)} networks: {ranking.suite}"
    return Page(title, tuple(section for section in found if section.blocks))


def _answer(standing: Standing) -> Iterator[Block]:
    ranking = standing.ranking
    yield Text(ranking.answer, "verdict")
    of = ranking.quantity
    about = "accuracies in %, differences in points" if of.scored else of.head(of.name)
    yield Text(
        f"{ranking.data}, n = {ranking.n:,} examples; {about}. Those that share a letter do not "
        f"differ significantly in {ranking.end_point}: that is no tie. A range of ranks is what "
        "the pairs leave open, and the order inside it means nothing."
    )
    if any(place.pixels for place in ranking.places):
        yield Text(OTHER_PIXELS, "verdict depends")
    yield _places(ranking)
    if standing.others:
        count = standing.others
        others = "1 more is" if count == 1 else f"{count} more are"
        yield Text(f"{others} stored beside this one.", "note")


def _places(ranking: Ranking) -> Table:
    of, several = ranking.quantity, any(place.pixels for place in ranking.places)
    rows = tuple(
        (
            Cell(place.named),
            number(place.rank, place.best),
            Cell(place.letters),
            estimated(place.end_point.estimate, of=of),
            number(str(place.files), place.files),
            number(f"{place.end_point.n:,}", place.end_point.n),
            *([Cell(place.pixels, mark="pixels")] if several else []),
        )
        for place in ranking.places
    )
    means = with_level(of.head(ranking.end_point))
    heads = ("network", "rank", "letters", means, "files", "n", *(["pixels"] if several else []))
    return Table("The networks, the best mean first", heads, rows, name="places", copied=True)


def _adjusted(ranking: Ranking) -> str:
    return (
        f"p (Holm) is adjusted over all {len(ranking.pairs)} pairs, at {100 * ranking.alpha:g} %; "
        "the limits of each difference are of that pair alone."
    )


def _pairs(ranking: Ranking) -> Table:
    of = ranking.quantity
    rows = tuple(
        (
            Cell(f"{pair.left} - {pair.right}"),
            estimated(pair.estimate, sign="+", of=of),
            probable(pair.p),
            probable(pair.p_holm),
            number(of.text(pair.mde), pair.mde),
            Cell(pair.unit),
        )
        for pair in ranking.pairs
    )
    heads = ("pair", with_level("difference"), "p", "p (Holm)", "MDE", "sample")
    return Table("Every pair on the primary endpoint", heads, rows, name="pairs", copied=True)


def _rows(ranking: Ranking) -> Iterator[Table]:
    """Yield the metric of every network under every condition, which pairs may not share all."""
    found = {place.named: {row.name: row for row in place.rows} for place in ranking.places}
    names = dict.fromkeys(name for own in found.values() for name in own)
    of = ranking.quantity
    rows = tuple(
        (
            Cell(name),
            *(
                estimated(own[name].estimate if name in own else None, of=of)
                for own in found.values()
            ),
        )
        for name in names
    )
    heads = ("condition", *(with_level(of.head(label)) for label in found))
    if rows:
        caption = f"{of.name[:1].upper()}{of.name[1:]} under every condition"
        yield Table(caption, heads, rows, name="rows", copied=True)


def _facts(ranking: Ranking) -> Table:
    names = dict.fromkeys(name for place in ranking.places for name in place.facts)
    rows = tuple(
        (Cell(place.named), *(Cell(place.facts.get(name, "unknown")) for name in names))
        for place in ranking.places
    )
    return Table("What has to be equal in a fair comparison", ("network", *names), rows, "facts")


def _method(standing: Standing) -> Iterator[str]:
    ranking = standing.ranking
    yield (
        f"All pairs of networks are compared on the primary endpoint, {ranking.end_point}, "
        "example by example; the letters are a compact letter display (Piepho, 2004) of the pairs "
        f"whose adjusted p is below {ranking.alpha:g}."
    )
    if standing.results:
        yield from measured(standing.results)


def _warnings(standing: Standing) -> Iterable[str]:
    return (*standing.ranking.warnings, *(w for r in standing.results for w in r.warnings))
