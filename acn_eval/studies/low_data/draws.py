"""Small parts of a training split: nested, stratified, several draws, alike on every machine."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.data import Examples
from acn_eval.errors import ConfigError, DataError
from acn_eval.results import Cell
from acn_eval.seeds import keyed_order
from acn_eval.studies.low_data.suite import Draws
from acn_eval.study.record import Answer

__all__ = ["STREAM", "Draw", "Subset", "Subsets", "answer", "sample_subsets"]

STREAM = "subsets v1"
"""Name of the random stream of the draws: it and the draw alone decide the order of the ids."""
_CROWDED = 1 / 3


@dataclass(frozen=True)
class Subset:
    """The images of every class that one training may use.

    Attributes:
        draw: number of the draw that it belongs to.
        per_class: images per class; where a fraction was asked for, their mean, rounded.
        examples: all of them; those of a smaller subset of the draw are among them.
        learned: the training images.
        held_out: the rest, which may select weights; it is part of the same budget.
        crowded: whether it takes more than a third of a class: draws then overlap.
    """

    draw: int
    per_class: int
    examples: Examples
    learned: Examples
    held_out: Examples
    crowded: bool

    def record(self) -> dict[str, Any]:
        """Return the subset as plain JSON: its content hash and its ids."""
        return {
            "draw": self.draw,
            "per_class": self.per_class,
            "n": len(self.examples),
            "fingerprint": self.examples.fingerprint,
            "ids": self.examples.ids.tolist(),
            "held_out": self.held_out.ids.tolist(),
        }


@dataclass(frozen=True)
class Draw:
    """One random order of a training split, from which subsets of every size are taken.

    Attributes:
        pool: the training split.
        number: of the draw; it and the ids alone decide the order.
    """

    pool: Examples
    number: int

    @cached_property
    def ranked(self) -> tuple[NDArray[np.int64], ...]:
        """Indices into the pool per class, in the order in which they are taken."""
        order = keyed_order(self.pool.ids, STREAM, self.number)
        labels = self.pool.labels[order]
        return tuple(order[labels == c] for c in range(len(self.pool.classes)))

    def subset(self, size: int | float, held_out: float = 0.0) -> Subset:
        """Return the first images of every class in the order of the draw.

        Args:
            size: images per class, or a fraction of every class (one image at least).
            held_out: share of every class that is not learned from, rounded down: 0.2 of 5
                images is one, of 4 images none. An image that is held out at one size is held
                out at every size.

        Raises:
            DataError: a class has fewer images.
        """
        counts = list(self._counts(size))
        taken = [ranks[:n] for ranks, n in zip(self.ranked, counts, strict=True)]
        rest = [_held_out(n, held_out) for n in counts]
        learned = [ranks[~out] for ranks, out in zip(taken, rest, strict=True)]
        kept = [ranks[out] for ranks, out in zip(taken, rest, strict=True)]
        return Subset(
            draw=self.number,
            per_class=round(sum(counts) / len(counts)),
            examples=self.pool.at(np.concatenate(taken)),
            learned=self.pool.at(np.concatenate(learned)),
            held_out=self.pool.at(np.concatenate(kept)),
            crowded=any(n > _CROWDED * len(r) for n, r in zip(counts, self.ranked, strict=True)),
        )

    def _counts(self, size: int | float) -> Iterator[int]:
        for name, ranks in zip(self.pool.classes, self.ranked, strict=True):
            wanted = size if isinstance(size, int) else max(1, round(size * len(ranks)))
            if wanted > len(ranks):
                msg = (
                    f"{self.pool.name}: class {name} must have {wanted} training examples or "
                    f"more; got {len(ranks)}. Ask for fewer per class."
                )
                raise DataError(msg)
            yield wanted


def _held_out(n: int, share: float) -> NDArray[np.bool_]:
    """Return which ranks (n,) are held out, evenly spread: it does not depend on n."""
    steps = [math.floor(rank * share + 1e-9) for rank in range(n + 1)]
    return np.diff(steps).astype(bool)


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
        msg = f"{suite.name}: fractions must differ in examples per class; got {sizes}"
        raise ConfigError(msg)
    return found


def answer(
    subsets: Sequence[Subset],
    pool: Examples,
    test: Examples,
    cells: Iterable[Cell],
    warnings: Iterable[str] = (),
    **details: Any,
) -> Answer:
    """Return what a study found out on one draw; a file beside the result holds the ids.

    Args:
        subsets: of the draw, smallest first.
        pool: from which they are drawn.
        test: the test images.
        cells: of all subsets.
        warnings: beside those about the draw.
        **details: beside those about the draw.
    """
    records = [subset.record() for subset in subsets]
    file = {"data": pool.name, "stream": STREAM, "subsets": records}
    about = {
        "draw": subsets[0].draw,
        "stream": STREAM,
        "pool": {"n": len(pool), "fingerprint": pool.fingerprint},
        "subsets": [
            {k: v for k, v in record.items() if k != "ids"} | {"held_out": len(record["held_out"])}
            for record in records
        ],
    }
    return Answer(
        tuple(cells),
        warnings=(*_warnings(subsets, test), *warnings),
        details={**about, **details},
        beside={"subsets.json": json.dumps(file) + "\n"},
    )


def _warnings(subsets: Sequence[Subset], test: Examples) -> Iterator[str]:
    crowded = [str(s.per_class) for s in subsets if s.crowded]
    if crowded:
        yield (
            f"{' and '.join(crowded)} per class is more than a third of a class: the subsets of "
            "different draws overlap"
        )
    yield from test.notes
    seen = int(np.isin(test.hashes, subsets[-1].examples.hashes).sum())
    if seen:
        those = f"of these {len(test)} {test.inputs.modality}"
        yield f"draw {subsets[0].draw} learns from {seen} {those}"
