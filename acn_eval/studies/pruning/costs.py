"""What a pruned network costs: weights, FLOPs with zeros and without, bytes, and time."""

import zlib
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from acn_eval.checkpoints import Checkpoint, Native, rewritten
from acn_eval.inference import Numeric, latency
from acn_eval.models import Encoder
from acn_eval.studies.pruning.context import PruningContext
from acn_eval.studies.pruning.masks import prunable, zeros_in

__all__ = ["costs_of", "effective_flops"]

_BATCH = 64
"""Images whose time shows that there are fewer units: that of one image is mostly overhead."""


def costs_of(
    checkpoint: Checkpoint, dense: PruningContext, *, cuts: bool, numeric: Numeric, seconds: float
) -> dict[str, Any]:
    """Return plain types; latencies are measured for so many seconds each.

    `dense` is the network before pruning; `cuts` says whether units are gone, so that a batch is
    timed as well as one image.
    """
    network, flops = checkpoint.model, checkpoint.id.flops
    assert isinstance(network, Encoder)
    zeros = sum(int((w == 0).sum()) for w in prunable(network).values())
    batches = (1, _BATCH) if cuts else (1,)
    blank = checkpoint.prepare.blank(batches[-1]).to(dense.runtime.device)
    timed = partial(latency, network, numeric=numeric, seconds=seconds)
    return {
        "realised": zeros_in(network, dense.network),
        "parameters": checkpoint.id.parameters - zeros,
        "flops": flops,
        "effective_flops": effective_flops(network, flops, blank[:1]),
        **_sizes(dense.native, network),
        **{f"batch{n}": asdict(timed(blank[:n])) for n in batches},
    }


def effective_flops(network: nn.Module, flops: int, example: Any) -> int:
    """Return the FLOPs of one example without the multiply-adds by a zero weight.

    Zeros save nothing in dense kernels; this is what a perfect sparse kernel would compute. Every
    weight of a linear or convolution layer counts 2 per position of its output. `flops` are those
    of the dense forward pass of the example, which is a batch of one.
    """
    saved: list[int] = []
    handles = []
    for name, weight in prunable(network).items():
        layer = network.get_submodule(name.removesuffix(".weight"))
        zeros = int((weight == 0).sum())
        handles.append(layer.register_forward_hook(partial(_count, saved, zeros)))
    with torch.no_grad():
        network(example)
    for handle in handles:
        handle.remove()
    return flops - sum(saved)


def _count(saved: list[int], zeros: int, layer: nn.Module, inputs: Any, output: Tensor) -> None:
    """Add 2 FLOPs per zero and use of it: once per output of a channel."""
    saved.append(2 * zeros * (output.numel() // layer.get_parameter("weight").shape[0]))


def _sizes(native: Native, network: Encoder) -> dict[str, int]:
    """Bytes of the weights as a file holds them, zeros included, and deflated as in a zip."""
    state = rewritten(native, network, "").state
    content = b"".join(v.contiguous().view(torch.uint8).numpy().tobytes() for v in state.values())
    return {"weight_bytes": len(content), "deflated_bytes": len(zlib.compress(content, 6))}
