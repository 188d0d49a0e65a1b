"""Masks over weights: which go, in which order, and what is left to compute."""

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

__all__ = [
    "Gradual",
    "Masks",
    "Movement",
    "Scope",
    "apply_masks",
    "cubic",
    "effective_flops",
    "magnitudes",
    "masks_of",
    "prunable",
    "zeros_in",
]
