"""Memory between forward passes: malloc keeps what is freed, for the next layer to use again."""

import ctypes
import os

__all__ = ["KEPT", "keep_freed_memory"]

KEPT = 2**30
"""Bytes of freed memory at the end of the heap that a process keeps; what is above goes back."""
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> bool:
    """Let malloc keep up to `KEPT` bytes of freed memory; return whether it does.

    By default glibc asks the system for every large block and returns it when it is freed, so
    that each layer of a forward pass writes to pages that have to be mapped and cleared first.
    After this call, blocks of this process come from its heap, whose free end goes back to the
    system where it is larger than `KEPT`.

    Nothing changes where the C library is not glibc, or where the environment states how its
    malloc works (``MALLOC_*``, ``GLIBC_TUNABLES``). A preloaded allocator never asks glibc's.

    Source: mallopt(3).
    """
    if not _is_glibc() or _is_tuned():
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, KEPT))


def _is_glibc() -> bool:
    name = "CS_GNU_LIBC_VERSION"
    return name in getattr(os, "confstr_names", {}) and bool(os.confstr(name))


def _is_tuned() -> bool:
    by_variable = any(name.startswith("MALLOC_") for name in os.environ)
    return by_variable or "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "")
