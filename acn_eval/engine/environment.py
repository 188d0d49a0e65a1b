"""The environment of a process: whatever beside a task can change a bit of what it yields."""

import hashlib
import platform
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

__all__ = ["Environment", "hardware"]

_PACKAGES = (
    *("acn-eval", "torch", "torchvision", "kornia", "numpy", "scipy", "pillow"),
    *("timm", "transformers", "tokenizers", "scikit-learn"),
)


@dataclass(frozen=True)
class Environment:
    """Versions and hardware; tasks yield the same bytes where they are equal.

    Attributes:
        python: its version.
        machine: kind of processor.
        hardware: see `hardware`.
        code: digest of the source of acn-eval, which a version alone does not tell.
        packages: versions, "" where one is not installed.
    """

    python: str
    machine: str
    hardware: str
    code: str
    packages: dict[str, str]

    @staticmethod
    def here(device: torch.device) -> "Environment":
        """Return the environment of this process, for tasks on a device."""
        packages = {name: _version(name) for name in _PACKAGES}
        own = hardware(device)
        return Environment(platform.python_version(), platform.machine(), own, _code(), packages)

    def differences(self, other: "Environment") -> list[str]:
        """Say in what another environment differs, e.g. ``"torch 2.9.0, not 2.10.0"``."""
        mine, theirs = ({**asdict(own), **own.packages} for own in (self, other))
        del mine["packages"]
        named = {"code": "code of acn-eval"}
        return [
            f"{named.get(name, name)} {theirs[name] or 'missing'}, not {value or 'missing'}"
            for name, value in mine.items()
            if theirs[name] != value
        ]


def hardware(device: torch.device) -> str:
    """Return the vector and matrix units of the CPU, or the name of the GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    bf16, amx = torch.cpu._is_avx512_bf16_supported(), torch.cpu._is_amx_tile_supported()
    return torch.backends.cpu.get_cpu_capability() + " bf16" * bf16 + " AMX" * amx


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
