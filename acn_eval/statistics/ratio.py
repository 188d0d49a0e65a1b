"""Mean corruption error: candidate errors over baseline errors, a ratio of sums."""

from collections.abc import Callable

from scipy.special import ndtri

from acn_eval.statistics.comparison import Estimate
from acn_eval.statistics.design import Design, Pair
from acn_eval.statistics.score import root

__all__ = ["error_ratio"]

_LARGEST = 2.0**20


def error_ratio(design: Design, accuracy: Pair, confidence: float = 0.95) -> Estimate | None:
    """Return the sum of the candidate's errors over the baseline's, with its interval.

    The limits are every theta for which ``errors_candidate - theta errors_baseline`` is
    compatible with mean 0 (Fieller's idea, with the score method where examples are the sample).
    A ratio of sums, not a mean of ratios: one condition without errors leaves it defined.

    Returns:
        None where the ratio is undefined: the baseline has no errors, or so few that no upper
        limit exists.
    """
    errors = Pair(1 - accuracy.candidate, 1 - accuracy.baseline)
    if errors.baseline.sum() == 0:
        return None

    def z(theta: float) -> float:
        scaled = Pair(errors.candidate, theta * errors.baseline)
        return design.difference(scaled, support=(-theta, 1.0)).z()

    critical = float(ndtri((1 + confidence) / 2))
    value = float(errors.candidate.mean() / errors.baseline.mean())
    high = _upper(z, value, critical)
    return None if high is None else Estimate(value, _lower(z, value, critical), high)


def _lower(z: Callable[[float], float], value: float, critical: float) -> float:
    if value == 0 or z(0.0) <= critical:
        return 0.0
    # z(0) may be infinite, and a root finder needs numbers.
    near = value
    while z(near) <= critical:
        near /= 2
    return root(lambda theta: z(theta) - critical, near, value)


def _upper(z: Callable[[float], float], value: float, critical: float) -> float | None:
    far = max(value, 1 / 64)
    while z(far) >= -critical:
        far *= 2
        if far > _LARGEST:
            return None
    return root(lambda theta: z(theta) + critical, value, far)
