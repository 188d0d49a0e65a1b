"""Tensors, and what holds them, as bytes; nothing in these is executed."""

import io
from typing import Any

import torch

__all__ = ["pack", "unpack"]


def pack(state: object) -> bytes:
    """Return tensors, and what holds them, as bytes."""
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def unpack(content: bytes) -> dict[str, Any]:
    """Read what `pack` returned, onto the CPU."""
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state
