"""Weights or whole units: which go, in which order, and what is left to compute."""

from acn_eval.pruning.effective import effective_flops
from acn_eval.pruning.gradual import Gradual, cubic
from acn_eval.pruning.masks import (
    Masks,
    Scope,
    apply_masks,
    magnitudes,
    masks_of,
    prunable,
    zeros_in,
)
from acn_eval.pruning.movement import Movement
from acn_eval.pruning.structured import depgraph, hidden_share, importances, narrowed, widths

__all__ = [
    "Gradual",
    "Masks",
    "Movement",
    "Scope",
    "apply_masks",
    "cubic",
    "depgraph",
    "effective_flops",
    "hidden_share",
    "importances",
    "magnitudes",
    "masks_of",
    "narrowed",
    "prunable",
    "widths",
    "zeros_in",
]
