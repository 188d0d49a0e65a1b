"""From what a user asks for to an engine."""

import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.local import LOCAL
from acn_eval.engine.processes import Processes
from acn_eval.engine.protocol import Engine
from acn_eval.engine.ray_tasks import RayTasks

__all__ = ["engine_of"]


def engine_of(choice: EngineChoice, device: torch.device) -> Engine:
    """Return an engine that starts its workers at its first task.

    Raises:
        ConfigError, MissingExtra: see `EngineChoice.require`.
    """
    choice.require()
    if choice.is_local:
        return LOCAL
    return (Processes if choice.engine == "processes" else RayTasks)(choice, device)
