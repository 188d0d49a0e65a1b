"""Dynamics: gradients per layer and accuracy per exit while networks are trained."""

from acn_eval.dynamics.gradients import LayerGradient, backward_paths, split_gradients
from acn_eval.dynamics.run import Study, finished, open_study, trainings
from acn_eval.dynamics.snapshots import Snapshot, Watch
from acn_eval.dynamics.utilisation import linear_cka, stable_rank, without

__all__ = [
    "LayerGradient",
    "Snapshot",
    "Study",
    "Watch",
    "backward_paths",
    "finished",
    "linear_cka",
    "open_study",
    "split_gradients",
    "stable_rank",
    "trainings",
    "without",
]
