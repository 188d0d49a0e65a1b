"""What the spread of results says: from which block on a network tells nothing apart."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import ManifestRow

__all__ = ["Onset", "artefact", "in_words", "onset", "told_apart"]

Over = Literal["tokens", "images"]
_ALIKE = {"tokens": "all tokens of an image", "images": "all images"}
_INBORN = {
    "tokens": "These blocks could not tell tokens apart from the start: that is rank collapse, "
    "not compression",
    "images": "These blocks could not tell images apart from the start",
}
_LEARNED = {
    "tokens": "Training made these tokens alike",
    "images": "Training left these blocks unused",
}
_UNPROVEN = "that they are not needed is no proof of compression"


@dataclass(frozen=True)
class Onset:
    """From which exit on every share of variance is constant, over tokens or over images.

    Attributes:
        over: what the outputs are compared between.
        trained: that exit; the number of exits where the last one is not constant.
        initial: the same before training; None where that is not known.
        depth: blocks of the network.
        least: smallest share as trained.
    """

    over: Over
    trained: int
    initial: int | None
    depth: int
    least: float

    @property
    def there(self) -> bool:
        """Whether some last blocks are constant."""
        return self.trained <= self.depth

    @property
    def inborn(self) -> bool:
        """Whether they are, and were so before training."""
        return self.there and self.initial is not None and self.initial <= self.trained


def onset(result: EvalResult, over: Over) -> Onset | None:
    """Return from where on a network is constant; None where its shares are not known."""
    spread = result.details.get("spread") or {}
    trained, initial = (_shares(spread.get(when), over) for when in ("trained", "initial"))
    if not trained:
        return None
    below = float(spread["constant"])
    before = _first(initial, below) if initial else None
    return Onset(over, _first(trained, below), before, len(trained) - 1, min(trained))


def in_words(label: str, results: Sequence[EvalResult]) -> str:
    """Return what networks of one architecture tell apart; "" where it was not measured."""
    measured = [result for result in results if "spread" in result.details]
    if not measured:
        return ""
    said = _of_file(label, measured[0]) if len(results) == 1 else _of_seeds(label, measured)
    return " ".join(said)


def told_apart(
    candidates: Sequence[EvalResult], baselines: Sequence[EvalResult]
) -> tuple[ManifestRow, ...]:
    """Return the row of a fair pair on tokens; none where no side was measured."""
    sides = [[onset(r, "tokens") for r in side] for side in (candidates, baselines)]
    texts = [[_telling(o) for o in side if o] for side in sides]
    if not any(texts):
        return ()
    known = all(o for side in sides for o in side)
    left, right = (_in_seeds(side) or "unknown" for side in texts)
    equal = set(texts[0]) == set(texts[1]) if known else None
    return (ManifestRow("blocks that tell tokens apart", left, right, equal),)


def artefact(results: Sequence[EvalResult], cuts: Sequence[int]) -> str:
    """Return which blocks of one side are not needed because they cannot tell tokens apart.

    Args:
        results: of one side.
        cuts: blocks that each of them needs.
    """
    known = [onset(result, "tokens") for result in results]
    late = [
        (own, max(cut + 1, own.trained))
        for own, cut in zip(known, cuts, strict=True)
        if own and own.there and cut < own.depth and (own.inborn or own.initial is None)
    ]
    if not late:
        return ""
    name, (own, first) = results[0].checkpoint.name, late[0]
    what = f"Block{'s' * (first < own.depth)} {first}" + f" to {own.depth}" * (first < own.depth)
    what += f" of {name}"
    if len(results) > 1:
        what = f"In {len(late)} of {len(results)} seeds of {name}, blocks beyond the cut"
    if all(own.inborn for own, _ in late):
        return f"{what} could not tell tokens apart from the start: {_UNPROVEN}."
    return f"{what} cannot tell tokens apart, and perhaps never could: {_UNPROVEN}."


def _shares(rows: Sequence[Mapping[str, float | None]] | None, over: Over) -> list[float]:
    """Return the share at every exit; none where one is not known."""
    found = [row[over] for row in rows or ()]
    known = [share for share in found if share is not None]
    return known if len(known) == len(found) else []


def _first(shares: Sequence[float], below: float) -> int:
    return max((k + 1 for k, share in enumerate(shares) if share >= below), default=0)


def _of_file(name: str, result: EvalResult) -> Iterator[str]:
    spread = result.details["spread"]
    found = [own for over in ("tokens", "images") if (own := onset(result, over))]
    unknown = f"because {spread['reason']}"
    if not found:
        yield f"What {name} passes on between its blocks is not known, {unknown}."
        return
    if not any(own.there for own in found):
        yield f"{_apart(name, found)}."
        return
    who = name
    for own in sorted(found, key=lambda own: not own.there):  # the name stands in the first
        yield _alike(who, own, spread["constant"]) if own.there else f"{_apart('It', [own])}."
        who = "it"
    if spread["initial"] is None:
        yield f"How it was at initialization is not known, {unknown}."


def _alike(who: str, own: Onset, below: float) -> str:
    """E.g. ``From block 4 on, ac_vit passes on the same for all tokens of an image (...)``."""
    said = f"From block {own.trained} on, {who} passes on the same for {_ALIKE[own.over]}"
    if who != "it":
        said += f" (share of variance below {below:g})"
    if own.initial is None:
        return f"{said}."
    if own.inborn:
        since = f", from block {own.initial} on" if own.initial < own.trained else ""
        return f"{said}, and did so at initialization{since}. {_INBORN[own.over]}."
    if own.initial <= own.depth:
        return f"{said}; at initialization it did so from block {own.initial} on."
    return f"{said}, which it did not at initialization. {_LEARNED[own.over]}."


def _apart(who: str, found: Sequence[Onset]) -> str:
    """E.g. ``res_vit tells tokens and images apart up to its last block (...)``."""
    what = " and ".join(own.over for own in found)
    least = " and ".join(f"{own.least:.2g}" for own in found)
    shares = "share" if len(found) == 1 else "shares"
    said = f"{who} tells {what} apart up to its last block ({shares} of variance {least} or more)"
    for own in found:
        if own.initial is not None and own.initial <= own.depth:
            said += f"; at initialization it told no {own.over} apart from block {own.initial} on"
    return said


def _of_seeds(label: str, results: Sequence[EvalResult]) -> Iterator[str]:
    for over in ("tokens", "images"):
        known = [own for result in results if (own := onset(result, over))]
        there = [own for own in known if own.there]
        if there:
            yield _seeds_alike(label, there, len(results))
        elif known:
            least = min(known, key=lambda own: own.least)
            yield f"{_apart(label, [least])}, in each of {len(known)} seeds."


def _seeds_alike(label: str, there: Sequence[Onset], n: int) -> str:
    over = there[0].over
    counts = sorted(Counter(own.trained for own in there).items())
    where = ", ".join(f"from block {k} on in {count}" for k, count in counts)
    inborn = sum(own.inborn for own in there)
    known = [own.initial for own in there if own.initial is not None]
    before = f"{inborn} of these did so at initialization"
    if len(known) < len(there):
        before += f", which is known of {len(known)}"
    elif inborn == len(there):
        before += f". {_INBORN[over]}"
    elif min(known) > there[0].depth:
        before += f". {_LEARNED[over]}"
    return f"{label} passes on the same for {_ALIKE[over]} {where} of {n} seeds; {before}."


def _telling(own: Onset) -> str:
    return f"{max(own.trained - 1, 0)} of {own.depth}"


def _in_seeds(texts: Sequence[str]) -> str:
    """E.g. ``3 of 8 in 4, 4 of 8 in 1 of 5 seeds``; of one file, without its count."""
    if len(texts) < 2:
        return "".join(texts)
    counts = ", ".join(f"{text} in {count}" for text, count in sorted(Counter(texts).items()))
    return f"{counts} of {len(texts)} seeds"
