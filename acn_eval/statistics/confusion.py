"""Which class is taken for which, and how two sides differ in that."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from acn_eval.results import UNKNOWN, Cell

__all__ = ["Change", "changes"]


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
        """Candidate - baseline: below 0 where the candidate confuses the two less often."""
        return self.candidate - self.baseline


def changes(
    candidates: Sequence[Sequence[Cell]], baselines: Sequence[Sequence[Cell]]
) -> list[Change]:
    """Return every confusion that either side makes, the largest change first.

    A side is the cells of each of its files; examples without a label are left out.
    """
    ours, theirs = (_per_file(side) for side in (candidates, baselines))
    found = [Change(*pair, ours[pair], theirs[pair]) for pair in {**ours, **theirs}]
    return sorted(found, key=lambda c: (-abs(c.difference), c.true, c.predicted))


def _per_file(files: Sequence[Sequence[Cell]]) -> dict[tuple[int, int], float]:
    counts = Counter(pair for cells in files for cell in cells for pair in _wrong(cell))
    return defaultdict(float, {pair: times / len(files) for pair, times in counts.items()})


def _wrong(cell: Cell) -> Iterable[tuple[int, int]]:
    """Pairs (true, predicted) of the examples that the cell has wrong."""
    if cell.predicted is None or cell.labels is None:
        return ()
    wrong = (cell.labels != UNKNOWN) & (cell.predicted != cell.labels)
    return zip(cell.labels[wrong].tolist(), cell.predicted[wrong].tolist(), strict=True)
