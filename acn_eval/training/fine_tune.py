"""Trains a whole network on, with a new head, from the weights that it has."""

from collections.abc import Sequence

import torch

from acn_eval.data import Examples, PrepareImages
from acn_eval.models import Encoder
from acn_eval.training.fit import Fit, loop, start
from acn_eval.training.recipe import Recipe

__all__ = ["fine_tune"]


def fine_tune(
    network: Encoder,
    prepare: PrepareImages,
    recipe: Recipe,
    splits: Sequence[Examples],
    device: torch.device,
) -> Fit:
    """Return the finished training; the network that was given stays as it is.

    Args:
        network: whose weights are the start; all of them but those of its head.
        prepare: its geometry and moments, which stay too.
        recipe: its ``arch`` is the network's with the number of the new classes, and without
            the heads of branches.
        splits: train, and validation, which is looked at and selects nothing.
        device: where to train.

    Raises:
        MeasureError: the loss is no longer finite.
    """
    fit = start(recipe, device)
    fresh = fit.network.state_dict()
    old = network.state_dict()
    kept = {name: old[name] for name in fresh if not name.startswith("head")}
    fit.network.load_state_dict({**fresh, **kept})
    loop(fit, splits, prepare, lambda fit: None, lambda done, loss: None)
    fit.network.eval()
    return fit
