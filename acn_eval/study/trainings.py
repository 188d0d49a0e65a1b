"""Studies that train networks of their own: what they open, and what that costs."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from acn_eval.data import Split
from acn_eval.data.open import data_root
from acn_eval.engine.parcel import SentOnce
from acn_eval.study.run import Described, Study
from acn_eval.study.suite import Suite

__all__ = ["TrainingCost", "TrainingPlan", "TrainingStudy"]

S = TypeVar("S", bound=Suite)


@dataclass(frozen=True)
class TrainingPlan(Described, SentOnce, Generic[S]):
    """A suite with its data, which is opened where it is first read.

    Attributes:
        root: where data sets lie.
        limit: the first so many test images in the keyed order.
        split: what networks are tested on; whatever is chosen is chosen on "validation".
    """

    suite: S
    root: Path | None = None
    limit: int | None = None
    split: Split = "test"

    def __reduce__(self) -> tuple[Any, ...]:
        """Return its fields; elsewhere, another folder and other settings may hold."""
        return Described.__reduce__(replace(self, root=data_root(self.root).absolute()))


@dataclass(frozen=True)
class TrainingCost:
    """What one row of a plan costs.

    Attributes:
        trainings: how many, of which `done` are kept.
        steps: optimizer steps in all.
        flops: 3 per FLOP of the forward pass of every training image, 1 of every test image.
        seconds: estimated for what is not done, from a few measured steps.
        examples: training images seen, with repetition; None where the steps imply it.
        together: networks that are stepped as one.
    """

    name: str
    trainings: int
    done: int
    steps: int
    flops: int
    seconds: float
    examples: int | None = None
    together: int = 1


class TrainingStudy(Study[S]):
    """A study of trainings, which states what they cost before they start."""

    work: ClassVar[str] = "training steps"

    @property
    @abstractmethod
    def scale(self) -> str:
        """Data, sizes and repetitions in one line."""

    @abstractmethod
    def costs(self) -> list[TrainingCost]:
        """Return what every row costs; a few steps are measured, and nothing of them is kept."""
