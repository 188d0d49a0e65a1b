"""What the spread of outputs says in words: where they are constant, and since when.

Rows are the numbers of `acn_eval.inference.spread.Spread` as plain JSON, one per exit 0 .. L; None
is not known.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

__all__ = ["AXES", "CONSTANT", "Axis", "Rows", "blocks_in_words", "constant_exits", "left_unused"]
__all__ += ["never_apart", "over", "spread_in_words"]

CONSTANT = 0.001
"""A share of variance below this is called constant."""

_NOWHERE = "nowhere"
_LONG = ("acn", "acn_direct", "hybrid")  # more is read out than the last block passes on
Axis = Literal["tokens", "images"]
AXES: tuple[Axis, Axis] = ("tokens", "images")
Rows = Sequence[Mapping[str, float | None]]


def constant_exits(rows: Rows, axis: Axis) -> list[int]:
    """Return the exits after which outputs are constant over the tokens, or over the images."""
    shares = [row[axis] for row in rows]
    return [k for k, share in enumerate(shares) if share is not None and share < CONSTANT]


def never_apart(trained: Rows, initial: Rows) -> list[int]:
    """Return the blocks that could not tell tokens apart from the start, and still do not."""
    before = constant_exits(initial, "tokens")
    return [k for k in _to_the_end(trained, "tokens") if k in before]


def left_unused(trained: Rows, initial: Rows, connectivity: str) -> list[int]:
    """Return the blocks whose output training made the same for all images.

    None where the readout is what the last block passes on: such a network then has one answer.
    """
    if connectivity not in _LONG:
        return []
    before = constant_exits(initial, "images")
    return [k for k in _to_the_end(trained, "images") if k not in before]


def _to_the_end(rows: Rows, axis: Axis) -> list[int]:
    """Return the last constant exits: where a later output varies, there was something to read."""
    found = constant_exits(rows, axis)
    return [k for k in found if all(later in found for later in range(k, len(rows)))]


def over(axis: Axis, example: str) -> str:
    """Return "over tokens", or over what an example is called, e.g. "over images"."""
    return "over tokens" if axis == "tokens" else f"over {example}s"


def spread_in_words(
    trained: Rows, initial: Rows | None = None, connectivity: str = "", *, example: str = "image"
) -> str:
    """Say after which blocks outputs are constant over tokens or examples, and since when.

    >>> apart, alike = {"tokens": 0.5, "images": 0.5}, {"tokens": 0.0, "images": 0.0}
    >>> spread_in_words([apart, apart], [apart, apart])
    'outputs vary over tokens and over images after every block, also at initialization.'
    >>> spread_in_words([apart, alike], [apart, apart], "acn").partition(". ")[2]
    'Training left block 1 unused.'
    """
    looks = [trained] if initial is None else [trained, initial]
    known = [axis for axis in AXES if any(row[axis] is not None for row in trained)]
    if not known:
        return "whether outputs vary is not known."
    lost = [k for k, row in enumerate(trained) if any(row[axis] is None for axis in known)]
    missing = (f"After {blocks_in_words(lost)}, they are not finite.",) if lost else ()
    found = {axis: [constant_exits(rows, axis) for rows in looks] for axis in known}
    if not any(exits for looked in found.values() for exits in looked):
        since = "" if initial is None else ", also at initialization"
        both = " and ".join(over(axis, example) for axis in known)
        every = "every other block" if lost else "every block"
        return " ".join([f"outputs vary {both} after {every}{since}.", *missing])
    last = len(trained) - 1
    where = ", ".join(
        f"{over(axis, example)} {_since(looked, last)}" for axis, looked in found.items()
    )
    causes = () if initial is None else _causes(trained, initial, connectivity)
    return " ".join([f"outputs are constant {where}.", *causes, *missing])


def _since(looks: Sequence[list[int]], last: int) -> str:
    now, *before = (_after(exits, last) for exits in looks)
    if not before or before[0] == now == _NOWHERE:
        return now
    return f"{now} ({'also at' if before[0] == now else f'{before[0]} at'} initialization)"


def _after(exits: list[int], last: int) -> str:
    if not exits:
        return _NOWHERE
    if exits == [*range(exits[0], last + 1)]:
        return f"from block {exits[0]} on"
    return f"after {blocks_in_words(exits)}"


def _causes(trained: Rows, initial: Rows, connectivity: str) -> Iterator[str]:
    if never := never_apart(trained, initial):
        yield f"From the start, {blocks_in_words(never)} could not tell tokens apart."
    if unused := left_unused(trained, initial, connectivity):
        yield f"Training left {blocks_in_words(unused)} unused."


def blocks_in_words(exits: list[int]) -> str:
    """Return ``block 3``, ``blocks 3 to 4`` or ``blocks 1, 3``."""
    if len(exits) == 1:
        return f"block {exits[0]}"
    run = exits == [*range(exits[0], exits[-1] + 1)]
    return f"blocks {exits[0]} to {exits[-1]}" if run else f"blocks {', '.join(map(str, exits))}"
