"""Tables of a ranking: places, and the pairs that they rest on."""

from rich.console import Console

from acn_eval.statistics.pixels import OTHER_PIXELS
from acn_eval.statistics.ranking import Ranking
from acn_eval.terminal.comparisons import limits, probability
from acn_eval.terminal.console import show_warnings
from acn_eval.terminal.glossary import legend
from acn_eval.terminal.tables import Column, show_table

__all__ = ["show_ranking"]


def show_ranking(out: Console, ranking: Ranking, *, quiet: bool = False) -> None:
    """Print the answer, the entries by rank and, unless quiet, pairs and warnings."""
    out.print(ranking.answer, style="bold")
    out.print()
    quantity = ranking.quantity
    about = "" if quantity.scored else f"{quantity.name}, "
    columns = (
        Column("rank"),
        Column(f"{about}{ranking.data}, n = {ranking.n}", text=True),
        Column("files", rank=2),
        Column(f"{ranking.end_point} {quantity.unit}".rstrip(), interval=1),
        Column("letters", text=True),
        Column("pixels", text=True),
    )
    rows = [
        (p.rank, p.named, str(p.files), limits(p.end_point), p.letters, p.pixels)
        for p in ranking.places
    ]
    show_table(out, columns, rows)
    out.print(
        f"Entries that share a letter do not differ significantly in {ranking.end_point} (Holm "
        f"over {len(ranking.pairs)} pairs at {100 * ranking.alpha:g} %). A range of ranks is what "
        "the pairs leave open; the order inside it means nothing. Brackets hold 95 % intervals.",
        style="dim",
    )
    if any(place.pixels for place in ranking.places):
        out.print(OTHER_PIXELS, style="bold yellow")
    if not quiet:
        _show_pairs(out, ranking)
        show_warnings(out, ranking.warnings)


def _show_pairs(out: Console, ranking: Ranking) -> None:
    columns = (
        Column("pair"),
        Column("difference, unadjusted"),
        Column("p (Holm)", rank=1),
        Column("MDE", rank=2),
    )
    of = ranking.quantity
    rows = [
        (
            f"{pair.left} - {pair.right}",
            of.limits(pair.difference, pair.low, pair.high, sign="+"),
            probability(pair.p_holm),
            of.text(pair.mde),
        )
        for pair in ranking.pairs
    ]
    out.print()
    show_table(out, columns, rows)
    legend(out)
