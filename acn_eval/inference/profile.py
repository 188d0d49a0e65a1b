"""The numeric profile of forward passes: whatever can change a bit of what a network answers."""

from dataclasses import asdict, dataclass
from typing import Any

import torch

from acn_eval.engine.environment import hardware
from acn_eval.engine.settings import settings
from acn_eval.inference.precision import Numeric

__all__ = ["NumericProfile", "fitting_batch"]

_LARGEST = 256
_SMALLEST = 64
_WORK = 5e9  # FLOPs of a batch, above which its activations leave the caches of a CPU


@dataclass(frozen=True)
class NumericProfile:
    """How forward passes are rounded; equal profiles give equal bits for equal inputs.

    Attributes:
        device: type of the device.
        hardware: vector and matrix units of the CPU, or name of the GPU.
        precision: of the forward pass.
        batch_size: examples per forward pass.
        threads: of the CPU.
        version: of torch.
        settings: of torch that are not its defaults, in words.
    """

    device: str
    hardware: str
    precision: Numeric
    batch_size: int
    threads: int
    version: str
    settings: str = ""

    @classmethod
    def here(cls, device: torch.device, precision: Numeric, batch_size: int) -> "NumericProfile":
        """Return the profile of forward passes in this process."""
        threads, version = torch.get_num_threads(), str(torch.__version__)
        own = device.type, hardware(device), precision, batch_size, threads, version
        return cls(*own, ", ".join(f"{name} {value}" for name, value in settings()))

    def facts(self) -> dict[str, Any]:
        """Return plain types for the address of an outcome."""
        return {name: own for name, own in asdict(self).items() if own != ""}


def fitting_batch(flops: int, device: torch.device) -> int:
    """Return how many examples a forward pass takes by default: 256, or fewer on a CPU.

    There it is the largest power of two whose pass costs at most 5e9 FLOPs, at least 64: the
    activations of a layer then stay in the caches. These numbers are set by hand from
    ``benchmarks/batch_size.py``. Nothing follows from the machine, because the size of a batch
    decides how sums are rounded.

    Args:
        flops: of the most expensive network, per example.
        device: of the forward passes.
    """
    affordable = int(_WORK / max(flops, 1)) if device.type == "cpu" else _LARGEST
    return 1 << min(max(affordable, _SMALLEST), _LARGEST).bit_length() - 1
