"""Paired comparison of two networks or two architectures: intervals, tests and claims."""

from acn_eval.statistics.comparison import (
    Accuracy,
    Claim,
    Comparison,
    Estimate,
    Finding,
    ManifestRow,
    Row,
    Side,
)

__all__ = ["Accuracy", "Claim", "Comparison", "Estimate", "Finding", "ManifestRow", "Row", "Side"]
