"""The subsets of a low-data suite, and what a result says about those of its draw."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from acn_eval.data import Examples
from acn_eval.errors import ConfigError
from acn_eval.studies.low_data.draws import STREAM, Draw, Subset
from acn_eval.studies.low_data.suite import Draws

__all__ = ["Subsets", "details", "records", "sample_subsets", "warnings"]

Subsets = dict[int, tuple[Subset, ...]]
"""Subsets by draw, smallest first."""


def sample_subsets(suite: Draws, pool: Examples, held_out: float = 0.0) -> Subsets:
    """Draw the subsets of a suite.

    Args:
        suite: sizes and draws.
        pool: the training split.
        held_out: share of a subset that is not learned from.

    Raises:
        ConfigError: two fractions are the same number of images per class.
        DataError: a class has too few images.
    """
    found = {}
    for number in range(suite.first_draw, suite.first_draw + suite.draws):
        draw = Draw(pool, number)
        found[number] = tuple(draw.subset(size, held_out) for size in suite.sizes)
    sizes = [subset.per_class for subset in found[suite.first_draw]]
    if len(set(sizes)) < len(sizes):
        msg = f"{suite.name}: fractions must differ in images per class; got {sizes}"
        raise ConfigError(msg)
    return found


def records(subsets: Subsets) -> dict[int, list[dict[str, Any]]]:
    """Return all subsets as plain JSON, ids included."""
    return {draw: [subset.record() for subset in own] for draw, own in subsets.items()}


def details(subsets: Sequence[Subset], pool: Examples) -> dict[str, Any]:
    """Return what a result says of its draw; the ids lie in a file beside it."""
    return {
        "draw": subsets[0].draw,
        "stream": STREAM,
        "pool": {"n": len(pool), "fingerprint": pool.fingerprint},
        "subsets": [
            {k: v for k, v in subset.record().items() if k != "ids"}
            | {"held_out": len(subset.held_out)}
            for subset in subsets
        ],
    }


def warnings(subsets: Sequence[Subset], test: Examples) -> Iterator[str]:
    """Yield what a reader must know about the subsets of a draw."""
    crowded = [str(s.per_class) for s in subsets if s.crowded]
    if crowded:
        yield (
            f"{' and '.join(crowded)} per class is more than a third of a class: the subsets of "
            "different draws overlap"
        )
    yield from test.notes
    seen = int(np.isin(test.hashes, subsets[-1].examples.hashes).sum())
    if seen:
        yield f"draw {subsets[0].draw} learns from {seen} of these {len(test)} images"
