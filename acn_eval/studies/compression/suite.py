"""Compression: how many blocks a network needs, and what the others cost."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from acn_eval.studies.robustness.suite import NamedRobustness
from acn_eval.study.suite import Margin, Suite

__all__ = ["SUITE", "Compression"]


class Compression(Suite, frozen=True):
    """Every exit of one forward pass, on clean images and under the corruptions of another suite.

    The cut is chosen on validation: the first exit from which on every exit loses at most the
    tolerance. The test images then give its depth with proven limits (see `cut_depth`).

    Attributes:
        noise: the robustness suite whose conditions are shown to every exit; name, path or suite.
        tolerance: accuracy that may be lost; None takes 0.005 for 765 test images or more (see
            `images_needed`), else 0.02.
        depth_margin: negligible difference in the needed share of the network; None: no tie.
        seconds: wall time for each latency that is measured.
        first_classes: repeat on the first so many classes, predicting among these only; each
            number gives a result of its own.
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
