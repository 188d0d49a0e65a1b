"""Reads ``.safetensors`` files: data only, its header of bearable size."""

from pathlib import Path
from typing import Any

import safetensors

from acn_eval.checkpoints.pickles import opened
from acn_eval.errors import CheckpointError

__all__ = ["read_safetensors"]

_LARGEST_HEADER = 4 * 2**20  # some 40,000 tensors


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the metadata and the tensors by name.

    Raises:
        CheckpointError: no safetensors file, damaged, or with a header that is too large.
    """
    with opened(path) as stream:
        header = int.from_bytes(stream.read(8), "little")
    if header > _LARGEST_HEADER:
        limit = f"{_LARGEST_HEADER >> 20} MiB"
        raise CheckpointError(f"{path}: must be a safetensors file, its header at most {limit}")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            state = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, state
    except (
        *(AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError),
        safetensors.SafetensorError,
    ) as exc:
        raise CheckpointError(f"{path}: must be a safetensors file; {exc}") from exc
