"""What a metric measures of n examples: a value of each, whose mean is the metric."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acn_eval.statistics.score import Support

__all__ = ["Measured", "Undefined", "Values", "linearized"]

Values = NDArray[np.float64]
_DIGITS = 12


class Undefined(ValueError):
    """A metric has no value on these examples; the text says why."""


@dataclass(frozen=True)
class Measured:
    """A metric on n examples.

    Attributes:
        values: (n,), or (files, n): their mean is the metric, their scatter its error.
        support: from the lowest to the highest value that an example may have, whatever the
            network answers; None where that is not known.
        flags: what was counted although it has no definition, in words.
    """

    values: Values
    support: Support | None = None
    flags: tuple[str, ...] = ()

    @staticmethod
    def over_draws(files: Sequence[Sequence["Measured"]]) -> "Measured":
        """Return values (files, n) from those of every file and draw: draws are averaged."""
        every = [draw for own in files for draw in own]
        values = [np.mean([draw.values for draw in own], axis=0) for own in files]
        ends = [draw.support for draw in every if draw.support]
        lows, highs = zip(*ends, strict=True) if len(ends) == len(every) else ((), ())
        flags = dict.fromkeys(flag for draw in every for flag in draw.flags)
        support = (min(lows), max(highs)) if lows else None
        return Measured(np.array(values), support, tuple(flags))


def linearized(
    value: float,
    influence: Values,
    reach: Support | None = None,
    flags: tuple[str, ...] = (),
) -> Measured:
    """Return a metric from the influence (n,) of each example on it.

    Args:
        value: of the metric.
        influence: (n,); a constant that all have in common does not count.
        reach: from the lowest to the highest influence that any answer would have.
        flags: as in `Measured`.
    """
    mean = float(influence.mean())
    values = value + influence - mean
    if reach is None:
        return Measured(values, None, flags)
    # Rounding errors would be scatter where there is none.
    low, high = (round(value + end - mean, _DIGITS) for end in reach)
    return Measured(values.round(_DIGITS), (low, high), flags)
