"""What an exit costs: parameters, FLOPs by torch's formulas, peak activation memory."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from acn_eval.models.cuttable import Cuttable

__all__ = ["Cost", "cost", "exit_costs", "head_flops"]


@dataclass(frozen=True)
class Cost:
    """Cost of one forward pass of one example.

    Attributes:
        parameters: number of parameters.
        flops: 2 per multiply-add, attention products included (torch.utils.flop_counter).
        activation_bytes: peak bytes of live intermediate tensors, parameters excluded.
        linear_flops: those of linear and convolution layers alone: the counting of
            "Auto-Compressing Networks", which leaves attention products out.
    """

    parameters: int
    flops: int
    activation_bytes: int
    linear_flops: int


def cost(model: nn.Module, example: Any) -> Cost:
    """Measure one forward pass of a batch of one example, on the device of the model."""
    meter = _Meter()
    with torch.no_grad(), _in_steps(), meter:
        model(example)
    parameters = sum(p.numel() for p in model.parameters())
    return Cost(parameters, meter.flops, meter.peak, meter.linear)


def exit_costs(network: Cuttable, example: Any) -> tuple[Cost, ...]:
    """Costs of exits 0 .. L for a batch of one, each as the truncated network that gives it."""
    return tuple(cost(network.truncated(k), example) for k in range(network.depth + 1))


def head_flops(network: Cuttable, example: Any) -> int:
    """FLOPs of pool, norm and head for a batch of one: what every further exit of a pass costs."""
    meter = _Meter()
    with torch.no_grad():
        stream = next(iter(network.streams(example)))
        with meter:
            network.classify(stream, example)
    return meter.flops


@contextmanager
def _in_steps() -> Iterator[None]:
    """Leave out PyTorch's fused attention, which has no formula: its products would not count."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


_ATEN = torch.ops.aten
_LINEAR = (_ATEN.mm, _ATEN.addmm, _ATEN.convolution)


class _Meter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up FLOPs, and bytes of storages that operations allocate and that still live."""

    def __init__(self) -> None:
        from torch.utils.flop_counter import flop_registry  # imports triton

        super().__init__()  # type: ignore[no-untyped-call]
        self._formulas: dict[Any, Callable[..., int]] = flop_registry
        self.flops = 0
        self.linear = 0
        self.live = 0
        self.peak = 0
        self._seen: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        # torch's own FlopCounterMode says True, which imports the compiler: two seconds.
        return False

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        formula = self._formulas.get(func._overloadpacket)
        if formula is None:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        known = {t.untyped_storage()._cdata for t in _tensors((args, kwargs))}
        out = func(*args, **kwargs)
        if formula:
            counted = formula(*args, **kwargs, out_val=out)
            self.flops += counted
            self.linear += counted if func._overloadpacket in _LINEAR else 0
        for tensor in _tensors(out):
            if tensor.untyped_storage()._cdata not in known:
                self._add(tensor.untyped_storage())
        return out

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return
        self._seen.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.live -= size


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
