"""Rotation: every image upright, and turned by quarters."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from acn_eval.study.suite import Suite

__all__ = ["SUITE", "Rotation"]


class Rotation(Suite, frozen=True):
    """Images in several positions; the primary endpoint is the mean of those that are turned.

    Attributes:
        turns: the most quarter turns.
    """

    question: ClassVar[str] = "Does it know images that lie on their side?"

    kind: Literal["rotation"] = "rotation"
    turns: Annotated[int, Field(ge=1, le=3)] = 3


SUITE = Rotation
