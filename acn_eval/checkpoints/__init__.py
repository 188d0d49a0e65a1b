"""A uri becomes a Checkpoint; untrusted files are read, never run."""

from acn_eval.checkpoints.card import Card, Training
from acn_eval.checkpoints.checkpoint import (
    Checkpoint,
    Classifier,
    counted,
    cut_at,
    export,
    from_module,
    image_preparation,
    reframed,
    rewritten,
    state_digest,
)
from acn_eval.checkpoints.load import find, load, load_file
from acn_eval.checkpoints.native import Native, write_native

__all__ = [
    "Card",
    "Checkpoint",
    "Classifier",
    "Native",
    "Training",
    "counted",
    "cut_at",
    "export",
    "find",
    "from_module",
    "image_preparation",
    "load",
    "load_file",
    "reframed",
    "rewritten",
    "state_digest",
    "write_native",
]
