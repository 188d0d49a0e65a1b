"""What a figure depends on besides the code: the machine, its load, and the allocator.

Scripts of this folder print `facts()` above their figures; run alone, this file prints them.
"""

import os
import platform

import torch

__all__ = ["facts"]

_CHOICES = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "THP_MEM_ALLOC_ENABLE", "OMP_NUM_THREADS")


def facts() -> str:
    """Return two lines: the machine with its vector units, and what it runs now."""
    machine = [
        f"{len(os.sched_getaffinity(0))} cores, {_gigabytes():.0f} GB",
        f"{platform.machine()} with {torch.backends.cpu.get_cpu_capability()}",
        f"bf16 units: {_yes(torch.cpu._is_avx512_bf16_supported())}",
        f"AMX: {_yes(torch.cpu._is_amx_tile_supported())}",
        f"GPU: {torch.cuda.get_device_name() if torch.cuda.is_available() else 'none'}",
    ]
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    running = [
        f"torch {torch.__version__}, {torch.get_num_threads()} threads",
        f"Python {platform.python_version()}",
        f"{' '.join(platform.libc_ver())} malloc ({_chosen()})",
        f"load {load}",
    ]
    return "\n".join("; ".join(line) for line in (machine, running))


def _gigabytes() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _yes(there: bool) -> str:
    return "yes" if there else "no"


def _chosen() -> str:
    """What the environment states about memory and threads."""
    own = sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith(_CHOICES))
    return " ".join(own) or "nothing set in the environment"


if __name__ == "__main__":
    print(facts())
