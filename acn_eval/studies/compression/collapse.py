"""What the spread of results says: which blocks tell tokens and images apart, and since when."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acn_eval.results import EvalResult, connectivity_of
from acn_eval.statistics.comparison import ManifestRow
from acn_eval.statistics.spread_words import (
    AXES,
    Axis,
    Rows,
    blocks_in_words,
    constant_exits,
    left_unused,
    never_apart,
    over,
    spread_in_words,
)

__all__ = ["artefact", "in_words", "spread_of", "told_apart"]

_UNPROVEN = "(rank collapse): that they are not needed is no proof of compression"


def spread_of(result: EvalResult) -> dict[str, Any] | None:
    """Return what was measured of a network with exits; older results have nothing."""
    spread = result.details.get("spread")
    return spread if spread and spread["trained"] else None


def in_words(label: str, results: Sequence[EvalResult]) -> str:
    """Return what the networks of one side tell apart; "" where nothing was measured."""
    found = [spread for result in results if (spread := spread_of(result))]
    if not found:
        reasons = [s["reason"] for r in results if (s := r.details.get("spread"))]
        return f"{label}: spread of outputs not known, because {reasons[0]}." if reasons else ""
    own = results[0].checkpoint
    wired, example = connectivity_of(own.arch), own.example
    if len(results) > 1:
        return f"{label}: {' '.join(_of_seeds(found, wired, example))}"
    (spread,) = found
    said = spread_in_words(spread["trained"], spread["initial"], wired, example=example)
    said += _least(spread, example)
    if spread["initial"]:
        return f"{label}: {said}"
    return (
        f"{label}: {said} How it was at initialization is not known, because {spread['reason']}."
    )


def _least(spread: Mapping[str, Any], example: str) -> str:
    """Return the smallest shares of a network that is constant nowhere."""
    rows = spread["trained"]
    if any(constant_exits(rows, axis) for axis in AXES):
        return ""
    shares = {axis: [row[axis] for row in rows if row[axis] is not None] for axis in AXES}
    least = [f"{min(own):.2g} {over(axis, example)}" for axis, own in shares.items() if own]
    return f" The smallest share of variance is {' and '.join(least)}." if least else ""


def told_apart(
    candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[ManifestRow, ...]:
    """Return the row of a fair pair on tokens; none where nothing was measured."""
    texts = [[_telling(result) for result in side] for side in (candidates, baselines)]
    if not any(any(side) for side in texts):
        return ()
    equal = set(texts[0]) == set(texts[1]) if all(map(all, texts)) else None
    left, right = map(_in_seeds, texts)
    return (ManifestRow("blocks that tell tokens apart", left, right, equal),)


def artefact(results: Sequence[EvalResult], cuts: Sequence[int]) -> str:
    """Return which blocks of one side are not needed, and cannot tell tokens apart; else "".

    Args:
        results: of one side.
        cuts: blocks that each of them needs.
    """
    found = [_blind(result, cut) for result, cut in zip(results, cuts, strict=True)]
    many = [blocks for blocks in found if blocks]
    if not many:
        return ""
    name = results[0].checkpoint.name.partition(" seed ")[0]
    initial = [spread_of(result) for result in results]
    known = all(spread["initial"] for spread in initial if spread)
    ever = "could not tell tokens apart from the start" if known else "cannot tell tokens apart"
    if len(results) > 1:
        seeds = f"In {len(many)} of {len(results)} seeds of {name}"
        return f"{seeds}, blocks beyond the cut {ever} {_UNPROVEN}."
    (blocks,) = many
    return f"{blocks_in_words(blocks).capitalize()} of {name} {ever} {_UNPROVEN}."


def _blind(result: EvalResult, cut: int) -> list[int]:
    """Return blocks beyond the cut that do not tell tokens apart, and, if known, never did."""
    spread = spread_of(result)
    if not spread:
        return []
    trained, initial = spread["trained"], spread["initial"]
    blind = never_apart(trained, initial) if initial else constant_exits(trained, "tokens")
    return [block for block in blind if block > cut]


def _telling(result: EvalResult) -> str:
    """E.g. ``3 of 8``; "" where it is not known."""
    spread = spread_of(result)
    if not spread or any(row["tokens"] is None for row in spread["trained"]):
        return ""
    depth = len(spread["trained"]) - 1
    blind = [k for k in constant_exits(spread["trained"], "tokens") if k]
    return f"{depth - len(blind)} of {depth}"


def _in_seeds(texts: Sequence[str]) -> str:
    """E.g. ``3 of 8 in 4, 4 of 8 in 1 of 5 seeds``; of one file, without its count."""
    shown = [text or "unknown" for text in texts]
    if len(shown) == 1:
        return shown[0]
    counts = ", ".join(f"{text} in {count}" for text, count in sorted(Counter(shown).items()))
    return f"{counts} of {len(shown)} seeds"


def _of_seeds(found: Sequence[dict[str, Any]], connectivity: str, example: str) -> Iterator[str]:
    pairs: list[tuple[Rows, Rows]] = [(s["trained"], s["initial"] or ()) for s in found]
    where = [
        f"{over(axis, example)} in {_when(pairs, axis)}"
        for axis in AXES
        if any(row[axis] is not None for trained, _ in pairs for row in trained)
    ]
    if not where:
        yield "whether outputs vary is not known."
        return
    yield f"outputs are constant {', '.join(where)}, of {len(found)} seeds."
    known = [pair for pair in pairs if pair[1]]
    if len(known) < len(pairs):
        yield f"How they were at initialization is known of {len(known)}."
    if never := sum(bool(never_apart(*pair)) for pair in known):
        yield f"From the start, some blocks could not tell tokens apart in {never}."
    if unused := sum(bool(left_unused(*pair, connectivity)) for pair in known):
        yield f"Training left some blocks unused in {unused}."


def _when(pairs: Sequence[tuple[Rows, Rows]], axis: Axis) -> str:
    """E.g. ``5 (first after block 4 in 4, 5 in 1; in 5 at initialization)``."""
    exits = [constant_exits(trained, axis) for trained, _ in pairs]
    first = sorted(Counter(own[0] for own in exits if own).items())
    if not first:
        return "none"
    before = sum(bool(constant_exits(initial, axis)) for _, initial in pairs)
    where = ", ".join(f"{k} in {count}" for k, count in first)
    return f"{sum(map(bool, exits))} (first after block {where}; at initialization in {before})"
