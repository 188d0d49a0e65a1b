"""Which class is taken for which, and how two sides differ in that."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from acn_eval.results import Cell

__all__ = ["Change", "changes", "known_labels"]


@dataclass(frozen=True)
class Change:
    """How often one class is taken for another.

    Attributes:
        true, predicted: positions of classes; -1 is a class that is not in the data.
        candidate, baseline: times per file.
    """

    true: int
    predicted: int
    candidate: float
    baseline: float

    @property
    def difference(self) -> float:
        """Candidate - baseline: below 0 the candidate is spared it."""
        return self.candidate - self.baseline


def known_labels(cells: Iterable[Cell]) -> dict[int, int]:
    """Return the label of every image that any cell has right: there it is the prediction."""
    found: dict[int, int] = {}
    for cell in cells:
        if cell.predicted is not None and cell.measure == "correct":
            right = cell.values == 1
            found.update(
                zip(cell.ids[right].tolist(), cell.predicted[right].tolist(), strict=True)
            )
    return found


def changes(
    candidates: Sequence[Sequence[Cell]],
    baselines: Sequence[Sequence[Cell]],
    labels: Mapping[int, int],
) -> list[Change]:
    """Return every confusion that either side makes, the largest change first.

    Args:
        candidates: cells of each file of the side, with predictions.
        baselines: likewise.
        labels: class by image id; images without one are left out.
    """
    ours, theirs = (_per_file(side, labels) for side in (candidates, baselines))
    found = [
        Change(
            true, predicted, ours.get((true, predicted), 0.0), theirs.get((true, predicted), 0.0)
        )
        for true, predicted in {**ours, **theirs}
    ]
    return sorted(found, key=lambda c: (-abs(c.difference), c.true, c.predicted))


def _per_file(
    files: Sequence[Sequence[Cell]], labels: Mapping[int, int]
) -> dict[tuple[int, int], float]:
    counts = Counter(pair for cells in files for cell in cells for pair in _wrong(cell, labels))
    return {pair: times / len(files) for pair, times in counts.items()}


def _wrong(cell: Cell, labels: Mapping[int, int]) -> Iterable[tuple[int, int]]:
    """Pairs (true, predicted) of the images that the cell has wrong."""
    if cell.predicted is None:
        return ()
    pairs = zip(cell.ids.tolist(), cell.predicted.tolist(), strict=True)
    return (
        (labels[image], predicted)
        for image, predicted in pairs
        if image in labels and predicted != labels[image]
    )
