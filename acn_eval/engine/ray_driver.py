"""Speaks with a Ray cluster, in a process of its own: where a cluster is lost, Ray aborts it.

The process that measures holds the other end of its connection. Where that closes, all tasks end,
and so does a cluster of its own.
"""

import importlib
import importlib.metadata
import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from acn_eval.engine.ray_messages import Answer, Cancel, Ended, Node, Part, Ready, Send, Terms

__all__ = ["serve"]

_WAIT = 0.1  # seconds
_LOOK = 1.0  # seconds between two looks at the cluster
_PROBE = 120.0  # seconds until a node must have imported torch
_MEMORY = "memory ran out on its machine. Fewer workers, or smaller batches, need less"


class _Driver:
    def __init__(self, connection: Connection, terms: Terms) -> None:
        self._connection, self._terms = connection, terms
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._parts: dict[str, list[Any]] = {}
        self._running: dict[Any, int] = {}
        self._answers, self._probe = _remotes(terms)
        self._node = ""

    def serve(self) -> None:
        """Do what is sent until the connection closes."""
        self._node = ray.get_runtime_context().get_node_id()
        self._connection.send(self._ready())
        Thread(target=self._read, daemon=True).start()
        while self._take():
            self._collect()

    def _ready(self) -> Ready:
        nodes = [node for node in ray.nodes() if node["Alive"]]
        probes = {}
        for node in nodes:
            where = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            own = self._probe.options(scheduling_strategy=where).remote(self._terms.device)
            probes[own] = node["NodeManagerAddress"]
        ray.wait(list(probes), num_returns=len(probes), timeout=_PROBE)
        return Ready(sum(map(self._slots, nodes)), tuple(_node(*own) for own in probes.items()))

    def _slots(self, node: dict[str, Any]) -> int:
        has, terms = node["Resources"], self._terms
        each = [int(has.get("CPU", 0) // terms.cpus)]
        if terms.gpus:
            each.append(int(has.get("GPU", 0) // terms.gpus))
        return min(each)

    def _read(self) -> None:
        try:
            while True:
                self._inbox.put(self._connection.recv())
        except (EOFError, OSError):
            self._inbox.put(None)

    def _take(self) -> bool:
        """Take what was sent; False at the end."""
        while True:
            try:
                sent = self._inbox.get(timeout=0 if self._running else _LOOK)
            except Empty:
                return True
            if sent is None:
                return False
            if isinstance(sent, Part):
                self._parts[sent.name] = [ray.put(sent.content)]
            elif isinstance(sent, Send):
                self._start(sent)
            elif isinstance(sent, Cancel):
                self._cancel()

    def _start(self, sent: Send) -> None:
        parts = {name: self._parts[name] for name in sent.parts}
        running = self._answers.remote(sent.content, parts, self._terms.device)
        self._running[running] = sent.key

    def _cancel(self) -> None:
        for running in self._running:
            ray.cancel(running, force=True)
        self._running.clear()

    def _collect(self) -> None:
        if not self._running:
            return self._look()
        waiting = list(self._running)
        some, _ = ray.wait(waiting, num_returns=1, timeout=_WAIT, fetch_local=False)
        if some:
            some, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)
        for running in some:
            answer = _next(running, self._running[running])
            if not answer.content:
                del self._running[running]
            self._connection.send(answer)
        return None if some else self._look()

    def _look(self) -> None:
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        if self._node not in alive:
            raise ConnectionError("this machine is no longer a node of it")


def _next(running: Any, key: int) -> Answer:
    try:
        return Answer(key, ray.get(next(running)))
    except StopIteration:
        return Answer(key)
    except RayError as exc:
        return Answer(key, lost=_line(exc))


def _node(probe: Any, host: str) -> Node:
    try:
        return Node(host, *ray.get(probe, timeout=0))
    except GetTimeoutError as exc:
        raise ConnectionError(f"{host} gave no answer in {_PROBE:.0f} s") from exc
    except RayError as exc:
        raise ConnectionError(f"{host} gave no answer; {_line(exc)}") from exc


def _line(exc: BaseException) -> str:
    """Return the last line of an error, which Ray prefixes with a traceback."""
    if isinstance(exc, OutOfMemoryError):  # its lines are a page on how to set up Ray
        return _MEMORY
    return (str(exc).strip().splitlines() or [type(exc).__name__])[-1].strip().rstrip(".")


def _remotes(terms: Terms) -> tuple[Any, Any]:
    """Return tasks whose code travels with them: a node may lack acn-eval, or have another."""

    def answers(content: bytes, parts: dict[str, list[Any]], device: str) -> Iterator[bytes]:
        worker = importlib.import_module("acn_eval.engine.ray_worker")
        yield from worker.answers(content, parts, device)

    def probe(device: str) -> tuple[str, bytes | None]:
        try:
            version = importlib.metadata.version("acn-eval")
        except importlib.metadata.PackageNotFoundError:
            return "none", None
        try:
            worker = importlib.import_module("acn_eval.engine.ray_worker")
        except ImportError as exc:
            return f"{version}: {exc}", None
        return version, worker.environment(device)

    tasks = ray.remote(
        num_returns="streaming",
        num_cpus=terms.cpus,
        num_gpus=terms.gpus,
        max_retries=0,  # who asks runs a task again
        scheduling_strategy="SPREAD",
    )
    probes = ray.remote(num_cpus=0, num_gpus=terms.gpus / 1000, max_retries=0)
    return tasks(answers), probes(probe)


def _connect(terms: Terms) -> None:
    own = (
        {} if terms.address else {"num_cpus": terms.slots * terms.cpus, "include_dashboard": False}
    )
    ray.init(
        address=terms.address or "local",
        _temp_dir=None if terms.address else f"{terms.folder}/files",  # Ray opens it to all users
        log_to_driver=False,
        logging_level=logging.ERROR,
        **own,
    )


def serve(descriptor: int) -> None:
    """Connect as the first message says, and do what is asked until the connection closes."""
    connection = Connection(descriptor)
    terms: Terms = connection.recv()
    try:
        _connect(terms)
        _Driver(connection, terms).serve()
        ray.shutdown()
        shutil.rmtree(terms.folder, ignore_errors=True)  # whose owner may have been killed
    except (ConnectionError, RuntimeError, ValueError, OSError) as exc:
        with suppress(OSError):
            connection.send(Ended(_line(exc)))
