"""From what a user asks for to an engine."""

import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.local import LOCAL
from acn_eval.engine.processes import Processes
from acn_eval.engine.protocol import Engine
from acn_eval.engine.ray_tasks import RayTasks
from acn_eval.errors import ConfigError

__all__ = ["engine_of"]


def engine_of(choice: EngineChoice, device: torch.device) -> Engine:
    """Return an engine that starts its workers at its first task.

    Raises:
        ConfigError: there is none of that name, or it has no workers to count.
        MissingExtra: it needs a package.
    """
    if choice.is_local:
        if choice.workers not in (None, 1):
            msg = f"`workers`: must be left out with the engine local; got {choice.workers}"
            raise ConfigError(msg, "workers", "engine")
        return LOCAL
    if choice.engine == "processes":
        return Processes(choice, device)
    if choice.engine.partition("://")[0] == "ray":
        return RayTasks(choice, device)
    msg = f"`engine`: must be local, processes, ray or ray://ADDRESS; got {choice.engine}"
    raise ConfigError(msg, "engine")
