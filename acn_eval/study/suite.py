"""The base of every suite: a suite is its config, and the base owns the run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from acn_eval.config_files import Config, Name, Text
from acn_eval.data import Examples, Split
from acn_eval.inference import EvaluatedModel, Numeric, Progress, Runtime
from acn_eval.results import Cell, Skip

__all__ = ["Answer", "Margin", "Setting", "Suite", "cell_of"]

Margin = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class Setting:
    """What a suite runs in.

    Attributes:
        examples: in the order in which they are shown.
        seed: of the noise.
        progress: told how far the work is.
        split: opens another split of the same data and classes, in its keyed order: whatever is
            chosen is chosen there.
        part_of: all images, where `examples` are a block of them.
    """

    examples: Examples
    runtime: Runtime
    seed: int
    progress: Progress
    split: Callable[[Split], Examples]
    part_of: Examples | None = None

    @property
    def whole(self) -> Examples:
        """All images: what holds for every block, such as a precision, comes from these."""
        return self.examples if self.part_of is None else self.part_of


@dataclass(frozen=True)
class Answer:
    """What a suite found out about one checkpoint.

    Attributes:
        numeric: precision in force.
        certificate: parity of that precision.
        noise_digest: of the first corrupted images.
        details, warnings: as in `EvalResult`.
    """

    cells: tuple[Cell, ...]
    skipped: tuple[Skip, ...]
    numeric: Numeric
    certificate: Mapping[str, Any]
    noise_digest: str
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Suite(Config, ABC, frozen=True):
    """A frozen config with one method; its YAML, its Python and its repr are the same thing.

    Attributes:
        name: of the suite, shown everywhere.
        description: one sentence: the question that it answers.
        equivalence_margin: difference on the end point, in accuracy, that is as good as none:
            a tie lies within it. None: there is no tie.
        reads_head: whether the network's own head answers, so that it must know the classes.
        by_blocks: whether each example is judged by itself, so that a block of examples is judged
            as in the whole run: nothing is chosen, fitted or timed.
    """

    kind: str
    name: Name
    description: Text = ""
    equivalence_margin: Margin | None = None
    question: ClassVar[str] = ""
    reads_head: ClassVar[bool] = True
    by_blocks: ClassVar[bool] = False

    @abstractmethod
    def ask(self, subjects: Sequence[EvaluatedModel], setting: Setting) -> list[Answer]:
        """Put the suite's questions to every subject, in one pass over the examples."""


def cell_of(
    question_condition: Mapping[str, Any],
    outcomes: NDArray[np.void],
    labels: NDArray[np.int64],
    *,
    primary: bool,
) -> Cell:
    """Return the cell of outcomes (n,) against labels (n,), both in the same order."""
    more = {
        name: outcomes[name].copy()
        for name in ("confidence", "nll", "brier")
        if name in (outcomes.dtype.names or ())
    }
    predicted = outcomes["predicted"].copy()
    return Cell.answered(
        question_condition, outcomes["id"].copy(), labels, predicted, primary=primary, **more
    )
