"""Refuses outcomes that come from NaN or infinite logits, by name of their conditions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from acn_eval.errors import MeasureError
from acn_eval.inference.condition import Question
from acn_eval.inference.precision import Numeric
from acn_eval.statistics.comparison import name_of

__all__ = ["require_measured"]

_SHOWN = 3


def require_measured(
    name: str,
    questions: Sequence[Question],
    bad: Sequence[NDArray[np.bool_]],
    what: str,
    numeric: Numeric,
) -> None:
    """Refuse what a network made of the examples, if some of it is no number.

    Args:
        name: of the network.
        questions: that it was asked.
        bad: which examples (n,) have no number, per question.
        what: that must be finite, e.g. ``"logits"``.
        numeric: precision in force.

    Raises:
        MeasureError: counts the examples of every condition.
    """
    found = [
        f"{int(b.sum())} of {b.size} examples under {name_of(q.condition)}"
        for q, b in zip(questions, bad, strict=True)
        if b.any()
    ]
    if not found:
        return
    more = f" and under {len(found) - _SHOWN} more conditions" if len(found) > _SHOWN else ""
    msg = f"{name}: {what} must be finite; got NaN or infinity for"
    remedy = " It may be finite in fp32." if numeric == "bf16" else ""
    raise MeasureError(f"{msg} {', '.join(found[:_SHOWN])}{more}.{remedy}")
