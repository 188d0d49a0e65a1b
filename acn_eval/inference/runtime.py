"""Runtime: where and how a network is run; it decides speed, and never what is measured."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from acn_eval.cache import OutcomeCache, default_store
from acn_eval.engine.environment import Environment
from acn_eval.engine.local import LOCAL
from acn_eval.engine.protocol import Engine
from acn_eval.engine.settings import Settings, having, settings
from acn_eval.errors import ConfigError
from acn_eval.inference.memory import Batches
from acn_eval.inference.precision import Numeric, Precision
from acn_eval.inference.profile import NumericProfile, fitting_batch

__all__ = ["Runtime", "resolve_device"]


@dataclass(frozen=True)
class Runtime:
    """Where and how a network is run.

    Attributes:
        device: of parameters, examples and noise.
        batch_size: examples per forward pass, halved where memory runs out; None follows a rule,
            see `fitting_batch`.
        precision: of the forward pass; ``auto`` follows a rule, see `numeric_for`.
        store: cache of finished outcomes.
        threads: of the CPU; None takes those that torch has in this process.
        engine: runs the tasks of a study; another process that gets this has the local one, and
            keeps nothing in the store where its environment differs.
        settings: of torch; None takes those of this process, and another one gets them.
    """

    device: torch.device
    batch_size: int | None = None
    precision: Precision = "auto"
    store: OutcomeCache = field(default_factory=default_store)
    threads: int | None = None
    engine: Engine = LOCAL
    settings: Settings | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        own = self.device, self.batch_size, self.precision, self.store, self.threads
        torchs = settings() if self.settings is None else self.settings
        return _received, (Environment.here(self.device), torchs, own)

    def batches(self, flops: int) -> Batches:
        """Return the batches of one pass of networks that cost so many FLOPs per example."""
        return Batches(self.batch_size or fitting_batch(flops, self.device), self.device)

    def profile(self, numeric: Numeric = "fp32", flops: int = 0) -> NumericProfile:
        """Return the numeric profile of such a pass."""
        with self.own_settings():
            return NumericProfile.here(self.device, numeric, self.batches(flops).size)

    @contextmanager
    def own_settings(self) -> Iterator[None]:
        """Let torch have these threads and settings during the body."""
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads or before)
        try:
            with nullcontext() if self.settings is None else having(self.settings):
                yield
        finally:
            torch.set_num_threads(before)


def _received(sender: Environment, torchs: Settings, own: tuple[Any, ...]) -> Runtime:
    """Return a runtime in another process; an address names one environment, the sender's."""
    runtime = replace(Runtime(*own), settings=torchs)
    if Environment.here(runtime.device) == sender:
        return runtime
    return replace(runtime, store=replace(runtime.store, writable=False))


def resolve_device(name: str) -> torch.device:
    """Return the device of ``auto`` (cuda, mps, cpu: the first that is there) or of a name.

    Raises:
        ConfigError: that device is not there.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, yes in there.items() if yes))
    device = _device(name)
    if device is None or not there.get(device.type) or (device.index or 0) >= _count(device):
        have = ", ".join(kind for kind, yes in there.items() if yes)
        msg = f"`device`: must be auto or one that is here ({have}); got {name}"
        raise ConfigError(msg, "device")
    return device


def _device(name: str) -> torch.device | None:
    try:
        return torch.device(name)
    except RuntimeError:  # no name of a device
        return None


def _count(device: torch.device) -> int:
    return torch.cuda.device_count() if device.type == "cuda" else 1
