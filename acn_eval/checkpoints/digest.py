"""One digest of tensors: it names a network, and finds a flipped bit."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

__all__ = ["digest"]


def digest(state: Mapping[str, Tensor], words: str = "") -> str:
    """Return the sha256 over `words`, then name, dtype, shape and bytes in the names' order."""
    found = hashlib.sha256(words.encode(errors="surrogatepass"))
    for name, value in sorted(state.items()):
        said = f"\0{name}\0{value.dtype}\0{tuple(value.shape)}\0"
        found.update(said.encode(errors="surrogatepass"))
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
