"""What a worker of a Ray cluster does with a task; its answers are bytes, one by one."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import cache
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, TypeAlias

import cloudpickle
import ray
import torch

from acn_eval.allocation import keep_freed_memory
from acn_eval.engine.environment import Environment
from acn_eval.engine.parcel import Unpacker
from acn_eval.engine.ray_messages import Failed, Found, Shown
from acn_eval.engine.worker import portable, seldom
from acn_eval.reach import confined

__all__ = ["answers", "environment"]

_Said: TypeAlias = "SimpleQueue[NamedTuple | None]"
_PARTS: dict[str, list[Any]] = {}  # references to the parts of the task under way
_UNPACKER = Unpacker(lambda name: ray.get(_PARTS[name][0]))
_TASKS: "SimpleQueue[tuple[bytes, _Said]]" = SimpleQueue()


@cache
def environment(device: str) -> bytes:
    """Return the pickled `Environment` of this process."""
    return bytes(cloudpickle.dumps(Environment.here(torch.device(device))))


def answers(content: bytes, parts: dict[str, list[Any]], device: str) -> Iterator[bytes]:
    """Yield the environment, and then `Found`, `Shown` and at most one `Failed`, pickled.

    Args:
        content: a `Job` in a parcel.
        parts: references to the bytes of its parts, each in a list, so that Ray leaves them be.
        device: of the task.
    """
    yield environment(device)
    _PARTS.clear()
    _PARTS.update(parts)
    said: _Said = SimpleQueue()
    _start()
    _TASKS.put((content, said))
    while (answer := said.get()) is not None:
        yield cloudpickle.dumps(answer)


@cache
def _start() -> None:
    """Start one thread for all tasks, so that OpenMP keeps its own; no exit waits for it."""
    Thread(target=_do_tasks, daemon=True).start()


def _do_tasks() -> None:
    while True:
        content, said = _TASKS.get()
        try:
            _work(content, said)
        except BaseException as exc:  # noqa: BLE001  (the top of a thread)
            said.put(Failed(portable(exc)))
        said.put(None)


def _work(content: bytes, said: "_Said") -> None:
    keep_freed_memory()
    job = _UNPACKER.unpack(content)
    show = seldom(lambda more, kept: said.put(Shown(more, kept)))
    with suppress(OSError):
        os.chdir(job.folder)
    with ExitStack() as stack:
        for rule in job.rules:
            stack.enter_context(confined(rule))
        for item in job.task(show):
            said.put(Found(item))
