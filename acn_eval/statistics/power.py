"""The smallest difference that a comparison of this size would have detected."""

import math

import numpy as np
from scipy.special import ndtri, stdtrit

from acn_eval.statistics.architectures import Student
from acn_eval.statistics.score import BoundedSample

__all__ = ["discordance", "mde", "mde_images"]


def mde(effect: BoundedSample | Student) -> float:
    """Return the minimum detectable effect at 80 % power and two-sided 5 %.

    Examples as the sample: `mde_images` with the `discordance`. Seeds and examples as the sample:
    ``(t.975 + t.80) sqrt(V)``.
    """
    if isinstance(effect, BoundedSample):
        return mde_images(effect.n, discordance(effect))
    quantiles = stdtrit(effect.df, 0.975) + stdtrit(effect.df, 0.8)
    return float(quantiles) * math.sqrt(effect.variance)


def discordance(differences: BoundedSample) -> float:
    """Return ``(sum d^2 + 2) / (n + 2)``.

    For 0 / 1 outcomes this is the share of examples on which the two differ, kept off zero by two
    imagined ones.
    """
    squares = float(np.sum(differences.counts * differences.values**2))
    return (squares + 2) / (differences.n + 2)


def mde_images(n: int, discordance: float) -> float:
    """Return ``(z.975 + z.80) sqrt(discordance / n)``.

    >>> round(mde_images(360, 0.06), 3)
    0.036
    """
    return float(ndtri(0.975) + ndtri(0.8)) * math.sqrt(discordance / n)
