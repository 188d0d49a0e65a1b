"""How often a test set was asked, and what that does to verdicts.

A test set that judges many candidates is fitted by them: whoever builds a network in view of
earlier verdicts may pass by luck that no single test shows.
"""

from sqlalchemy import func, select

from acn_eval.service import tables as t
from acn_eval.service.database import Database

__all__ = ["INDEPENDENT", "advice", "spent", "times_asked"]

INDEPENDENT = (
    "alpha is spent over versions: valid only where no version was built in view of earlier"
    " verdicts"
)
"""Said beside every verdict at a spent alpha."""
_ALPHA = 0.05


def times_asked(database: Database) -> dict[str, int]:
    """Return the number of verdicts about every test set, by its fingerprint."""
    own = t.job.c.test_set.is_not(None)
    asked = select(t.job.c.test_set, func.count()).where(own).group_by(t.job.c.test_set)
    with database.read() as connection:
        return {test_set: count for test_set, count in connection.execute(asked)}


def advice(count: int, alpha: float = _ALPHA) -> str:
    """Return a sentence: how often a test set was asked, and what to do about it.

    From 1 / alpha verdicts on, one candidate that is exactly at the margin is expected to pass.

    >>> advice(3)
    'This test set has given 3 verdicts.'
    """
    said = f"This test set has given {count:,} verdict{'s' if count != 1 else ''}"
    if count * alpha < 1:
        return f"{said}."
    lucky = f"{count * alpha:.3g} of as many candidates exactly at the margin would pass by luck"
    return f"{said}; {lucky}. Judge the next ones on fresh data."


def spent(alpha: float, look: int) -> float:
    """Return the level of the k-th look, alpha / (k (k + 1)); all of them sum to alpha.

    By the union bound, the chance that any of the looks errs is at most alpha, however many there
    are, as long as no candidate depends on earlier verdicts. Look 0 spends nothing.

    >>> spent(0.05, 1), spent(0.05, 0)
    (0.025, 0.05)
    """
    return alpha / (look * (look + 1)) if look else alpha
