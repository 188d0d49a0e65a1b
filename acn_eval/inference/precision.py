"""Whether bf16 pays here, and what it changes: a short probe and a parity certificate."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Literal

import torch
from torch import Tensor

from acn_eval.inference.memory import Batches
from acn_eval.inputs import Batch

__all__ = ["Numeric", "bf16_pays", "certificate", "forward", "running"]

Numeric = Literal["fp32", "bf16"]
Network = Callable[[Any], Tensor]
_GAIN = 1.2  # below this, the rounding is not worth the speed


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


def bf16_pays(network: Network, inputs: Batch) -> bool:
    """Measure whether bf16 is at least 1.2 times faster on this device for this network.

    A bare matrix product is asked first: without hardware for bf16 it is hundreds of times
    slower, and a forward pass would take minutes.
    """
    square = torch.rand(256, 256, device=inputs.device)
    half = square.to(torch.bfloat16)
    if _seconds(lambda: half @ half) > _seconds(lambda: square @ square):
        return False
    n = len(inputs)
    slow = _seconds(lambda: forward(network, inputs, "fp32", n))
    return _seconds(lambda: forward(network, inputs, "bf16", n)) * _GAIN < slow


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


def _seconds(run: Callable[[], Any]) -> float:
    """Best of three after one warm-up, device included."""
    times = []
    for _ in range(4):
        start = time.perf_counter()
        run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times[1:])
