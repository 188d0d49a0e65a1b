"""Settings of torch that decide bits of what a network answers: every process has the same."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, NamedTuple

import torch
from torch.backends import cuda, mha

__all__ = ["Settings", "having", "settings"]

Settings = tuple[tuple[str, Any], ...]
"""Those that are not torch's defaults, by name."""


class _Setting(NamedTuple):
    """How one is read and changed."""

    default: Any
    get: Callable[[], Any]
    set: Callable[[Any], Any]


def settings() -> Settings:
    """Return the settings of this process, such as those that a network's file has changed.

    What is not among them, such as the library for matrix products of CUDA, is not told.
    """
    found = ((name, own.get()) for name, own in _SETTINGS.items())
    return tuple((name, value) for name, value in found if value != _SETTINGS[name].default)


@contextmanager
def having(wanted: Settings) -> Iterator[None]:
    """Let torch have these settings, and its defaults for all others, during the body."""
    before = settings()
    _set(dict(wanted))
    try:
        yield
    finally:
        _set(dict(before))


def _set(wanted: Mapping[str, Any]) -> None:
    for name, own in _SETTINGS.items():  # in this order: some set later ones, too
        value = wanted.get(name, own.default)
        if own.get() != value:
            own.set(value)


def _backend(path: str, default: Any) -> tuple[str, _Setting]:
    owner, _, name = f"backends.{path}".rpartition(".")
    find = attrgetter(owner)
    return path, _Setting(
        default,
        lambda: getattr(find(torch), name),
        lambda value: setattr(find(torch), name, value),
    )


def _dtype() -> str:
    return str(torch.get_default_dtype()).removeprefix("torch.")


def _matmul_precision() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # single backends were set, which have names of their own
        return "highest"


def _flushes() -> bool:
    return not torch.tensor([1e-40], dtype=torch.float32, device="cpu").mul(1).item()


def _be_deterministic(mode: int) -> None:
    torch.use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


_SETTINGS = {
    "default_dtype": _Setting(
        "float32", _dtype, lambda name: torch.set_default_dtype(getattr(torch, name))
    ),
    "flush_denormal": _Setting(False, _flushes, torch.set_flush_denormal),
    "deterministic": _Setting(0, torch.get_deterministic_debug_mode, _be_deterministic),
    "matmul_precision": _Setting("highest", _matmul_precision, torch.set_float32_matmul_precision),
    "flash_sdp": _Setting(True, cuda.flash_sdp_enabled, cuda.enable_flash_sdp),
    "mem_efficient_sdp": _Setting(
        True, cuda.mem_efficient_sdp_enabled, cuda.enable_mem_efficient_sdp
    ),
    "math_sdp": _Setting(True, cuda.math_sdp_enabled, cuda.enable_math_sdp),
    "cudnn_sdp": _Setting(True, cuda.cudnn_sdp_enabled, cuda.enable_cudnn_sdp),
    "mha_fastpath": _Setting(True, mha.get_fastpath_enabled, mha.set_fastpath_enabled),
    **dict(
        [
            _backend("fp32_precision", "none"),
            _backend("mkldnn.enabled", True),
            _backend("mkldnn.deterministic", False),
            _backend("mkldnn.matmul.fp32_precision", "none"),
            _backend("mkldnn.conv.fp32_precision", "none"),
            _backend("mkldnn.rnn.fp32_precision", "none"),
            _backend("cudnn.enabled", True),
            _backend("cudnn.benchmark", False),
            _backend("cudnn.deterministic", False),
            _backend("cudnn.conv.fp32_precision", "tf32"),
            _backend("cudnn.rnn.fp32_precision", "tf32"),
            _backend("cuda.matmul.fp32_precision", "none"),
            _backend("cuda.matmul.allow_fp16_reduced_precision_reduction", True),
            _backend("cuda.matmul.allow_bf16_reduced_precision_reduction", True),
            _backend("cuda.matmul.allow_fp16_accumulation", False),
        ]
    ),
}
