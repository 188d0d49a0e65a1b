"""What is left to compute once zeros are skipped, which dense hardware does not do."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from acn_eval.studies.pruning.masks import prunable

__all__ = ["effective_flops"]


def effective_flops(network: nn.Module, flops: int, image_shape: tuple[int, int, int]) -> int:
    """Return the FLOPs of one image without the multiply-adds by a zero weight.

    Unstructured zeros save nothing on dense kernels: this is what a perfect sparse kernel would
    do. Every weight of a linear or convolution layer counts 2 per position of its output.

    Args:
        network: whose prunable weights may be zero.
        flops: of its dense forward pass of one image.
        image_shape: (channels, height, width).
    """
    positions: dict[str, int] = {}
    modules = {name.removesuffix(".weight"): name for name in prunable(network)}
    handles = [
        network.get_submodule(module).register_forward_hook(partial(_count, positions, weight))
        for module, weight in modules.items()
    ]
    device = next(network.parameters()).device
    with torch.no_grad():
        network(torch.zeros(1, *image_shape, device=device))
    for handle in handles:
        handle.remove()
    zeros = {name: int((weight == 0).sum()) for name, weight in prunable(network).items()}
    return flops - sum(2 * zeros[name] * positions.get(name, 0) for name in zeros)


def _count(
    positions: dict[str, int], name: str, module: nn.Module, inputs: Any, output: Tensor
) -> None:
    """Add how often each weight is used: outputs per output channel."""
    channels = module.get_parameter("weight").shape[0]
    positions[name] = positions.get(name, 0) + output.numel() // channels
