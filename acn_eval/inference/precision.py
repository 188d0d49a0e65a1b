"""Precision of forward passes: the rule that chooses bf16, and a certificate of parity."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Literal

import torch
from torch import Tensor

from acn_eval.inference.memory import Batches
from acn_eval.inputs import Batch

__all__ = ["Numeric", "Precision", "certificate", "forward", "has_bf16", "numeric_for", "running"]

Numeric = Literal["fp32", "bf16"]
Precision = Literal["auto", "fp32", "bf16"]
Network = Callable[[Any], Tensor]
_WORTH = {"cuda": 1e9, "cpu": 1e8}  # FLOPs per example from which on `auto` is bf16


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
    """Return what a network makes of n examples, in batches of a size, or of what fits."""

    def attempt(size: int) -> Tensor:
        parts = (inputs[start : start + size] for start in range(0, len(inputs), size))
        with running(numeric, inputs.device):
            return torch.cat([network(part) for part in parts])

    return Batches(size, inputs.device).halving(attempt)


def numeric_for(precision: Precision, device: torch.device, flops: int) -> Numeric:
    """Return the precision of forward passes; ``auto`` is decided by a fixed rule.

    It is bf16 where the device computes in it and the most expensive network costs at least 1e8
    FLOPs per example on a CPU, or 1e9 on CUDA; on other devices it is fp32. These thresholds are
    set by hand, and nothing is timed: a run that resumes on another or a busy machine of the kind
    keeps its precision.

    Args:
        precision: that was chosen.
        device: of the forward passes.
        flops: of the most expensive network, per example.
    """
    if precision != "auto":
        return precision
    worth = flops >= _WORTH.get(device.type, math.inf)
    return "bf16" if worth and has_bf16(device) else "fp32"


def has_bf16(device: torch.device) -> bool:
    """Return whether the device computes in bf16, by its units for matrices or vectors."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def certificate(
    predict: Network,
    inputs: Batch,
    numeric: Numeric,
    size: int,
    measured: Tensor | None = None,
) -> dict[str, Any]:
    """Count the predictions of n examples that change with precision or batch size.

    Args:
        predict: examples to predicted classes (n,).
        inputs: a small fixed subset.
        numeric: the precision that is compared with fp32.
        size: of the batches that were measured, which are compared with batches of 7.
        measured: what was predicted (n,); None predicts it once more.

    Returns:
        ``n``, ``precision``, ``precision_flips`` and ``batch_flips``.
    """
    size = min(size, len(inputs))
    own = forward(predict, inputs, numeric, size) if measured is None else measured
    parts = forward(predict, inputs, numeric, min(size, 7))
    reference = own if numeric == "fp32" else forward(predict, inputs, "fp32", size)
    return {
        "n": len(inputs),
        "precision": numeric,
        "precision_flips": int((own != reference).sum()),
        "batch_flips": int((own != parts).sum()),
    }
