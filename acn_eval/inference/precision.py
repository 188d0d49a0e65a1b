"""Where bf16 is used by itself, and what it changes: a rule and a parity certificate."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Literal

import torch
from torch import Tensor

from acn_eval.inference.memory import Batches
from acn_eval.inputs import Batch

__all__ = ["Numeric", "Precision", "certificate", "forward", "numeric_for", "running"]

Numeric = Literal["fp32", "bf16"]
Precision = Literal["auto", "fp32", "bf16"]
Network = Callable[[Any], Tensor]
_WORTH = {"cuda": 1e9, "cpu": 1e8}  # FLOPs per example from which on bf16 pays


def running(numeric: Numeric, device: torch.device) -> AbstractContextManager[Any]:
    """Return the context in which forward passes run: no gradients, one stated precision.

    fp32 means fp32: cuDNN's silent TF32 is off.
    """
    stack = ExitStack()
    stack.enter_context(torch.inference_mode())
    if numeric == "bf16":
        stack.enter_context(torch.autocast(device.type, torch.bfloat16))
    elif device.type == "cuda":
        stack.enter_context(torch.backends.cudnn.flags(allow_tf32=False))
    return stack


def forward(network: Network, inputs: Batch, numeric: Numeric, size: int) -> Tensor:
    """Return logits float32 (n, classes), computed in batches of a size, or of what fits."""

    def attempt(size: int) -> Tensor:
        parts = (inputs[start : start + size] for start in range(0, len(inputs), size))
        with running(numeric, inputs.device):
            return torch.cat([network(part).float() for part in parts])

    return Batches(size, inputs.device).halving(attempt)


def numeric_for(precision: Precision, device: torch.device, flops: int) -> Numeric:
    """Return the precision in force; ``auto`` is decided by a rule, the same wherever it is asked.

    It is bf16 where the device has units for it and a network costs enough for them to pay, as
    `docs/performance.md` has measured; nothing is timed, so that a run that goes on elsewhere, or
    on a busy machine, does not change its mind.

    Args:
        precision: as asked for.
        device: of the forward passes.
        flops: of the most expensive network, per example.
    """
    if precision != "auto":
        return precision
    worth = flops >= _WORTH.get(device.type, math.inf)
    return "bf16" if worth and _has_bf16(device) else "fp32"


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def certificate(network: Network, inputs: Batch, numeric: Numeric, size: int) -> dict[str, Any]:
    """Count the predictions that change with precision, and with the size of the batch.

    Args:
        network: logits of prepared examples.
        inputs: n prepared examples, a small fixed subset.
        numeric: the precision that is certified against fp32.
        size: of the batches that were measured; larger ones than n are batches of n.

    Returns:
        ``n``, ``precision_flips`` and ``batch_flips`` (batches as measured against those of 7).
    """
    whole = forward(network, inputs, numeric, size).argmax(1)
    parts = forward(network, inputs, numeric, min(size, 7)).argmax(1)
    same = numeric == "fp32"
    reference = whole if same else forward(network, inputs, "fp32", size).argmax(1)
    return {
        "n": len(inputs),
        "precision": numeric,
        "precision_flips": int((whole != reference).sum()),
        "batch_flips": int((whole != parts).sum()),
    }
