"""Runtime: where and how a network is run; it decides speed, and never what is measured."""

from dataclasses import dataclass, field

import torch

from acn_eval.cache import OutcomeCache, default_store
from acn_eval.errors import ConfigError
from acn_eval.inference.memory import Batches
from acn_eval.inference.precision import Numeric, Precision
from acn_eval.inference.profile import NumericProfile, fitting_batch

__all__ = ["Runtime", "resolve_device"]


@dataclass(frozen=True)
class Runtime:
    """Where and how a network is run.

    Attributes:
        device: of parameters, examples and noise.
        batch_size: examples per forward pass, halved where memory runs out; None follows a rule,
            see `fitting_batch`.
        precision: of the forward pass; ``auto`` follows a rule, see `numeric_for`.
        store: cache of finished outcomes.
    """

    device: torch.device
    batch_size: int | None = None
    precision: Precision = "auto"
    store: OutcomeCache = field(default_factory=default_store)

    def batches(self, flops: int) -> Batches:
        """Return the batches of one pass of networks that cost so many FLOPs per example."""
        return Batches(self.batch_size or fitting_batch(flops, self.device), self.device)

    def profile(self, numeric: Numeric = "fp32", flops: int = 0) -> NumericProfile:
        """Return the numeric profile of such a pass."""
        return NumericProfile.here(self.device, numeric, self.batches(flops).size)


def resolve_device(name: str) -> torch.device:
    """Return the device of ``auto`` (cuda, mps, cpu: the first that is there) or of a name.

    Raises:
        ConfigError: that device is not there.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, yes in there.items() if yes))
    device = _device(name)
    if device is None or not there.get(device.type) or (device.index or 0) >= _count(device):
        have = ", ".join(kind for kind, yes in there.items() if yes)
        msg = f"`device`: must be auto or one that is here ({have}); got {name}"
        raise ConfigError(msg, "device")
    return device


def _device(name: str) -> torch.device | None:
    try:
        return torch.device(name)
    except RuntimeError:  # no name of a device
        return None


def _count(device: torch.device) -> int:
    return torch.cuda.device_count() if device.type == "cuda" else 1
