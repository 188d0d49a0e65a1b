"""The run of a ranking: several networks, the best mean first."""

from collections.abc import Iterator, Mapping

from acn_eval.foreign_text import markdown, markdown_table, plain
from acn_eval.statistics.quantity import Quantity
from acn_eval.statistics.ranking import PairOutcome, Rank, Ranking, ranking_key
from acn_eval.tracking.run_content import NAME, Point, RunContent, digest, key_name, tags_of
from acn_eval.tracking.tables import bullets, description

__all__ = ["ranking_run", "ranking_table"]

_STEP = "0: a ranking has no axis"


def ranking_run(ranking: Ranking, arms: Mapping[str, str]) -> RunContent:
    """Return the content of the run of one ranking.

    Args:
        ranking: what to record.
        arms: run id of every arm that is in the store, by the key of its result.
    """
    table, quantity = ranking_table(ranking), ranking.quantity
    metric = "" if quantity.scored else f", {quantity.name}"
    labels = ", ".join(place.label for place in ranking.places)
    facts = {
        "kind": "ranking",
        "suite": ranking.suite,
        "data": ranking.data.partition(" ")[0],
        "first": ranking.places[0].label,
        "letters": " ".join(place.letters for place in ranking.places),
        "keys": ",".join(ranking.keys),
        "runs": ",".join(arms[key] for key in ranking.keys if key in arms),
    }
    return RunContent(
        name=plain(f"{labels}{metric}", NAME),
        suite=ranking.suite,
        step=_STEP,
        key=ranking_key(ranking),
        digest=digest(ranking.to_dict()),
        points=tuple(_points(ranking)),
        params={
            "networks": plain(labels),
            "data": plain(ranking.data),
            f"{ranking.example}s": str(ranking.n),
            "end_point": ranking.end_point,
            "metric": quantity.name,
        },
        tags={**tags_of(facts), "mlflow.note.content": description(table)},
        files={"table.md": f"{table}\n"},
        created_ms=None,
    )


def ranking_table(ranking: Ranking) -> str:
    """Return places, pairs and warnings, as Markdown."""
    of = ranking.quantity
    unit = f", {of.unit}" if of.unit else ""
    head = ["rank", "network", "files", f"{ranking.end_point}{unit} [95 %]", "letters", "pixels"]
    pair = ["pair", "difference [95 %]", "p (Holm)", "MDE"]
    lines = [
        f"**{markdown(ranking.answer)}**",
        "",
        f"{markdown(ranking.data)}, {ranking.n} examples. Networks that share a letter do not "
        f"differ significantly (Holm over {len(ranking.pairs)} pairs at {100 * ranking.alpha:g} "
        "%); a range of ranks is what the pairs leave open.",
        "",
        *markdown_table(head, [_place(place, of) for place in ranking.places]),
        "",
        *markdown_table(pair, [_pair(own, of) for own in ranking.pairs]),
        *bullets("Read with care", ranking.warnings),
    ]
    return "\n".join(lines)


def _place(place: Rank, of: Quantity) -> list[str]:
    e = place.end_point.estimate
    value = of.limits(e.value, e.low, e.high)
    return [place.rank, place.named, str(place.files), value, place.letters, place.pixels]


def _pair(pair: PairOutcome, of: Quantity) -> list[str]:
    p = "< 0.001" if pair.p_holm < 0.001 else f"{pair.p_holm:.3f}"
    found = of.limits(pair.difference, pair.low, pair.high, sign="+")
    return [f"{pair.left} - {pair.right}", found, p, of.text(pair.mde)]


def _points(ranking: Ranking) -> Iterator[Point]:
    """Yield ranks, and means in percent or in the unit of the quantity."""
    for place in ranking.places:
        label, e = place.label, place.end_point.estimate
        values = {"best_rank": place.best, "worst_rank": place.worst}
        sizes = {"mean": e.value, "ci_low": e.low, "ci_high": e.high}
        scaled = {what: ranking.quantity.scale * value for what, value in sizes.items()}
        for what, value in {**values, **scaled}.items():
            yield Point(key_name(f"{what}/{label.replace('/', '_')}"), value)
