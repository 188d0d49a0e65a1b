"""Compression: how many blocks a network needs, what the rest costs, and what early exit saves."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from acn_eval.studies.robustness.suite import NamedRobustness
from acn_eval.study.suite import Margin, Suite

__all__ = ["SUITE", "Compression"]


class Compression(Suite, frozen=True):
    """Every exit of one forward pass, clean and under the corruptions of another suite.

    The rule is fixed on validation: the cut is the first exit from which on every exit loses at
    most the tolerance there. The test images then say how deep it is, with proven limits
    (`statistics.depth`).

    Attributes:
        noise: the robustness suite whose conditions are shown to every exit; name, path or suite.
        tolerance: accuracy that may be lost; None takes 0.005 where the test images can settle
            it (765 or more, see `images_needed`), else 0.02.
        depth_margin: difference in the share of the network that is needed that is as good as
            none; None: there is no tie.
        seconds: wall time for each latency that is measured.
        first_classes: ask anew on the first so many classes, predicting among these only; each
            is a result of its own.
    """

    question: ClassVar[str] = "How many of its layers does it need?"

    kind: Literal["compression"] = "compression"
    noise: NamedRobustness
    tolerance: Annotated[float, Field(gt=0, lt=1)] | None = None
    depth_margin: Margin | None = None
    seconds: Annotated[float, Field(gt=0, le=600)] = 0.05
    first_classes: Annotated[
        tuple[Annotated[int, Field(ge=2, le=1_000_000)], ...], Field(max_length=100)
    ] = ()


SUITE = Compression
