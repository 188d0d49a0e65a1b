"""Paired comparison of two networks or two architectures: intervals, tests and claims."""

from acn_eval.statistics.architectures import Student, crossed, seeds_only, sign_flip
from acn_eval.statistics.comparison import (
    Accuracy,
    Claim,
    Comparison,
    Estimate,
    Finding,
    ManifestRow,
    Row,
    Side,
    name_of,
    names_of,
)
from acn_eval.statistics.multiplicity import band_confidence, holm, undecidable
from acn_eval.statistics.power import mde, mde_examples
from acn_eval.statistics.score import ACCURACY, DIFFERENCE, BoundedSample, Interval

__all__ = [
    "ACCURACY",
    "DIFFERENCE",
    "Accuracy",
    "BoundedSample",
    "Claim",
    "Comparison",
    "Estimate",
    "Finding",
    "Interval",
    "ManifestRow",
    "Row",
    "Side",
    "Student",
    "band_confidence",
    "crossed",
    "holm",
    "mde",
    "mde_examples",
    "name_of",
    "names_of",
    "seeds_only",
    "sign_flip",
    "undecidable",
]
