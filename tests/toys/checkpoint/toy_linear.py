"""A toy source of checkpoints: ``linear:SEED`` is a random linear classifier of digits."""

from dataclasses import replace

import torch
from torch import nn

from acn_eval.checkpoints import from_module
from acn_eval.data import Geometry, PrepareImages

CLASSES = tuple("0123456789")


def load_linear(spec):
    """Return the classifier of a seed."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, len(CLASSES)))
    generator = torch.Generator().manual_seed(int(spec))
    nn.init.normal_(module[1].weight, generator=generator)
    nn.init.zeros_(module[1].bias)
    prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
    made = from_module(
        module, name=f"linear{spec}", classes=CLASSES, prepare=prepare, data="digits"
    )
    return replace(made, id=replace(made.id, uri=f"linear:{spec}"))
