"""What the process that measures, the one that speaks with Ray, and workers say to each other."""

from typing import Any, NamedTuple

from acn_eval.reach import Rule

__all__ = [
    *("Answer", "Cancel", "Ended", "Failed", "Found", "Job"),
    *("Node", "Part", "Ready", "Send", "Shown", "Terms"),
]


class Terms(NamedTuple):
    """How to connect, and what a task takes.

    Attributes:
        address: of the cluster; "" starts one.
        folder: of files of a cluster of its own, which no other user may enter.
        slots: of a cluster of its own; tasks that run at once.
        cpus: per task.
        gpus: per task.
        device: of the tasks.
    """

    address: str
    folder: str
    slots: int
    cpus: int
    gpus: int
    device: str


class Node(NamedTuple):
    """A machine of the cluster.

    Attributes:
        host: its address.
        version: of acn-eval, or "none"; why it cannot be imported, where that is so.
        environment: a pickled `Environment`; None without such an acn-eval.
    """

    host: str
    version: str
    environment: bytes | None


class Ready(NamedTuple):
    """There are workers: how many tasks run at once, and where."""

    slots: int
    nodes: tuple[Node, ...]


class Part(NamedTuple):
    """What many tasks share."""

    name: str
    content: bytes


class Send(NamedTuple):
    """A task in a parcel."""

    key: int
    content: bytes
    parts: tuple[str, ...]


class Cancel(NamedTuple):
    """All tasks that are not done end now."""


class Answer(NamedTuple):
    """What became of a task: bytes of its worker, "" at its end, or why its worker was lost."""

    key: int
    content: bytes = b""
    lost: str = ""


class Ended(NamedTuple):
    """The cluster cannot be used, and why."""

    reason: str


class Job(NamedTuple):
    """A task, and what holds while it runs.

    Attributes:
        task: to be run.
        rules: of what may be opened.
        folder: from which paths are relative, where it exists.
    """

    task: Any
    rules: tuple[Rule, ...]
    folder: str


class Found(NamedTuple):
    """What the task yielded."""

    item: Any


class Shown(NamedTuple):
    """What the task has done and not yielded; see `acn_eval.engine.protocol.Show`."""

    more: int
    kept: int


class Failed(NamedTuple):
    """What the task raised."""

    error: BaseException
