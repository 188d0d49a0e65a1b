"""Whether classes were matched wrongly: answers that are right under other names."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["mixed_up"]

_MOST = 2000  # classes: the assignment takes a second
_SHARE = 0.5  # of the answers are right under the other names,
_TIMES = 2  # so many times as many as under their own,
_SIGMA = 4  # and that is no chance
_SHOWN = 3


def mixed_up(
    labels: NDArray[np.int64], predicted: NDArray[np.int32], classes: tuple[str, ...]
) -> str:
    """Say which classes look mixed up; "" where none do.

    The best one-to-one renaming of the answers (the assignment problem, by
    `scipy.optimize.linear_sum_assignment`) is found on every other example and judged on the
    rest: on the examples that it was found on, any network would gain.

    Args:
        labels: classes of the data (n,), in an order without meaning.
        predicted: classes of the data (n,), -1 for another.
        classes: their names.
    """
    from scipy.optimize import linear_sum_assignment

    if not 1 < len(classes) <= _MOST:
        return ""
    fitted, judged = slice(0, None, 2), slice(1, None, 2)
    known = predicted[fitted] >= 0
    times = np.zeros((len(classes), len(classes)))
    np.add.at(times, (labels[fitted][known], predicted[fitted][known]), 1)
    answered_as = linear_sum_assignment(times, maximize=True)[1]
    right = predicted[judged] == labels[judged]
    renamed = predicted[judged] == answered_as[labels[judged]]
    gained, lost = int((renamed & ~right).sum()), int((right & ~renamed).sum())
    sure = gained - lost > _SIGMA * np.sqrt(gained + lost)
    if not sure or renamed.mean() < max(_SHARE, _TIMES * right.mean()):
        return ""
    moved = np.flatnonzero(answered_as != np.arange(len(classes)))
    often = moved[np.argsort(-times[moved, answered_as[moved]], kind="stable")][:_SHOWN]
    said = ", ".join(f"{classes[i]} is answered as {classes[answered_as[i]]}" for i in often)
    shares = f"{right.mean():.0%} are right, and {renamed.mean():.0%} would be in another order"
    return f"classes look mixed up: {shares}; {said}. Check the class order or the class map."
