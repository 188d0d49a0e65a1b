"""What each worker on this machine sees of it: its threads, and one of several GPUs."""

import os

import torch

from acn_eval.engine.choice import EngineChoice

__all__ = ["places"]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def places(choice: EngineChoice, device: str) -> list[dict[str, str]]:
    """Return the variables of the environment of every worker.

    Args:
        choice: how many there are, by default one per GPU or core, and the threads of each.
        device: of the tasks; ``"cuda"`` gives each worker a GPU, in turn.
    """
    threads = dict.fromkeys(_THREADS, str(choice.fixed_threads or 1))
    if not device.startswith("cuda"):
        return [threads] * choice.places
    gpus = _gpus() if device == "cuda" else []
    seen: list[dict[str, str]] = [{_VISIBLE: gpu} for gpu in gpus] or [{}]
    count = choice.workers or len(seen)
    return [threads | seen[k % len(seen)] for k in range(count)]


def _gpus() -> list[str]:
    named = os.environ.get(_VISIBLE)
    return named.split(",") if named else [str(k) for k in range(torch.cuda.device_count())]
