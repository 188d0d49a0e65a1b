"""Whether bf16 pays here, and what it changes: a short probe and a parity certificate."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Literal

import torch
from torch import Tensor

from acn_eval.inference.memory import Batches

__all__ = ["Numeric", "bf16_pays", "certificate", "forward", "running"]

Numeric = Literal["fp32", "bf16"]
Network = Callable[[Tensor], Tensor]
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


def forward(network: Network, images: Tensor, numeric: Numeric, size: int) -> Tensor:
    """Return logits float32 (n, classes), computed in batches of a size, or of what fits."""

    def attempt(size: int) -> Tensor:
        with running(numeric, images.device):
            return torch.cat([network(part).float() for part in torch.split(images, size)])

    return Batches(size, images.device).halving(attempt)


def bf16_pays(network: Network, images: Tensor) -> bool:
    """Measure whether bf16 is at least 1.2 times faster on this device for this network.

    A bare matrix product is asked first: without hardware for bf16 it is hundreds of times
    slower, and a forward pass would take minutes.
    """
    square = torch.rand(256, 256, device=images.device)
    half = square.to(torch.bfloat16)
    if _seconds(lambda: half @ half) > _seconds(lambda: square @ square):
        return False
    n = len(images)
    slow = _seconds(lambda: forward(network, images, "fp32", n))
    return _seconds(lambda: forward(network, images, "bf16", n)) * _GAIN < slow


def certificate(network: Network, images: Tensor, numeric: Numeric, size: int) -> dict[str, Any]:
    """Count the predictions that change with precision, and with the size of the batch.

    Args:
        network: logits of prepared images.
        images: prepared, float32 (n, channels, size, size), a small fixed subset.
        numeric: the precision that is certified against fp32.
        size: of the batches that were measured; larger ones than n are batches of n.

    Returns:
        ``n``, ``precision_flips`` and ``batch_flips`` (batches as measured against those of 7).
    """
    whole = forward(network, images, numeric, size).argmax(1)
    parts = forward(network, images, numeric, min(size, 7)).argmax(1)
    same = numeric == "fp32"
    reference = whole if same else forward(network, images, "fp32", size).argmax(1)
    return {
        "n": len(images),
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
