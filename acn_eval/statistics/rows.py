"""Tables of a comparison: one row per condition, and one for the primary endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acn_eval.results import Scalar
from acn_eval.statistics.architectures import Student
from acn_eval.statistics.comparison import Accuracy, Estimate, Row
from acn_eval.statistics.design import CHECKPOINTS, Design, Pair
from acn_eval.statistics.metrics import METRICS, Metric
from acn_eval.statistics.multiplicity import band_confidence, holm, undecidable
from acn_eval.statistics.power import mde
from acn_eval.statistics.score import BoundedSample, Interval, Support

__all__ = ["CEILING", "FLOOR_ABOVE_CHANCE", "Tables", "estimate"]

CEILING = 0.98
FLOOR_ABOVE_CHANCE = 0.05
_ALONE = band_confidence(1)


def estimate(effect: BoundedSample | Student, confidence: float = 0.95) -> Estimate:
    """Return the value and limits of an effect."""
    return Estimate(effect.value, *effect.interval(confidence))


@dataclass(frozen=True)
class Tables:
    """Builds rows for one design; ``chance`` is the accuracy of guessing."""

    design: Design
    chance: float
    metric: Metric = METRICS["accuracy"]

    def rows(
        self, names: Sequence[str], conditions: Sequence[dict[str, Scalar]], pairs: Sequence[Pair]
    ) -> tuple[Row, ...]:
        """Return one row per condition, adjusted over all of them."""
        level, each = band_confidence(len(pairs)), zip(names, conditions, pairs, strict=True)
        rows = [self._row(*condition, level) for condition in each]
        adjusted = holm([row.p for row in rows])
        hopeless = undecidable([self._best_p(pair) for pair in pairs])
        return tuple(
            replace(row, p_holm=float(p), notes=("undecidable",) * bool(bad) + row.notes)
            for row, p, bad in zip(rows, adjusted, hopeless, strict=True)
        )

    def accuracy(self, name: str, condition: dict[str, Scalar], pair: Pair) -> Accuracy:
        """Return the metric of the candidate."""
        side, n = self._side(pair.candidate, pair.support), pair.candidate.shape[1]
        return Accuracy(name, condition, n, side, self._flags(pair, side), self.metric.quantity)

    def _row(self, name: str, condition: dict[str, Scalar], pair: Pair, band_level: float) -> Row:
        effect = self.design.difference(pair)
        candidate, baseline = (
            self._side(side, pair.support) for side in (pair.candidate, pair.baseline)
        )
        low, high = _band(effect, band_level)
        same_images = self.design.same_images(pair)
        return Row(
            name=name,
            condition=condition,
            n=pair.candidate.shape[1],
            candidate=candidate,
            baseline=baseline,
            difference=estimate(effect),
            band_low=low,
            band_high=high,
            p=effect.p(),
            p_holm=effect.p(),
            mde=mde(effect),
            discordance=float(np.mean(np.abs(pair.per_example) > 1e-9)),
            notes=self._flags(pair, candidate, baseline),
            same_images=estimate(same_images) if same_images else None,
            p_sign_flip=self.design.sign_flip(pair),
        )

    def _side(self, values: NDArray[np.float64], support: Support | None) -> Estimate:
        found, quantity = estimate(self.design.accuracy(values, support)), self.metric.quantity
        # Limits do not know where a metric ends.
        return replace(found, low=quantity.clipped(found.low), high=quantity.clipped(found.high))

    def _best_p(self, pair: Pair) -> float:
        """P if the same side were right on every example on which the two differ."""
        if self.design.unit != CHECKPOINTS or not self.metric.quantity.scored:
            return 0.0
        return BoundedSample.of(np.abs(pair.per_example)).p()

    def _flags(self, pair: Pair, *sides: Estimate) -> tuple[str, ...]:
        if not self.metric.quantity.scored:
            return (*pair.flags, self.metric.note)
        ceiling = any(side.value > CEILING for side in sides)
        floor = any(side.value < self.chance + FLOOR_ABOVE_CHANCE for side in sides)
        return ("ceiling",) * ceiling + ("floor",) * floor


def _band(effect: BoundedSample | Student, confidence: float) -> Interval:
    """Limits of one of several; alone, it is the interval itself."""
    if isinstance(effect, Student) or confidence == _ALONE:
        return effect.interval(confidence)
    return effect.band(confidence)
