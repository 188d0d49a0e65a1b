"""Tables of a ranking: places, and the pairs that they rest on."""

from rich.console import Console
from rich.table import Table

from acn_eval.statistics.ranking import Ranking
from acn_eval.terminal.tables import percent

__all__ = ["show_pairs", "show_ranking"]


def show_ranking(out: Console, ranking: Ranking) -> None:
    """Print the entries in the order of their ranks."""
    n = max(place.end_point.n for place in ranking.places)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rank", justify="right")
    table.add_column(f"{ranking.data}, n = {n}")
    table.add_column("files", justify="right")
    table.add_column(f"{ranking.end_point}, % [95 %]", justify="right", no_wrap=True)
    table.add_column("letters")
    for place in ranking.places:
        estimate = percent(place.end_point.estimate)
        row = (place.rank, place.label, str(place.files), estimate, place.letters)
        table.add_row(*row)
    out.print(table)
    out.print(
        f"all pairs on {ranking.end_point}, Holm over {len(ranking.pairs)} pairs at "
        f"{100 * ranking.alpha:g} %: entries that share a letter are not told apart; a range of "
        "ranks is what the pairs leave open, and the order inside it means nothing",
        style="dim",
    )


def show_pairs(out: Console, ranking: Ranking) -> None:
    """Print the difference of every pair, with adjusted p values."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("pair")
    table.add_column("difference [95 %, unadjusted]", justify="right", no_wrap=True)
    for name in ("p (Holm)", "MDE"):
        table.add_column(name, justify="right")
    for pair in ranking.pairs:
        value, low, high = (f"{100 * x:+.1f}" for x in (pair.difference, pair.low, pair.high))
        p = "<0.001" if pair.p_holm < 0.001 else f"{pair.p_holm:.3f}"
        both = f"{pair.left} - {pair.right}"
        table.add_row(both, f"{value} [{low}, {high}]", p, f"{100 * pair.mde:.1f}")
    out.print()
    out.print(table)
