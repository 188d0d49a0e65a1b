"""The content of a run, in the same form for arms and comparisons."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from acn_eval.foreign_text import plain, shortened
from acn_eval.results import EvalResult

__all__ = ["NAME", "Point", "RunContent", "digest", "end_point_key", "experiment_name", "flat"]
__all__ += ["key_name", "model_key", "tags_of"]

NAME = 240  # characters: MLflow takes 250 in names and keys
_FORBIDDEN = re.compile(r"[^\w\-. :/]")


class Point(NamedTuple):
    """One value of a metric; the step is the place on the axis (see `statistics.curves.Axis`)."""

    key: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class RunContent:
    """Everything that is logged for one run.

    Attributes:
        suite: its name is that of the experiment.
        step: what the steps of the metrics are, in words.
        key: content address of the question that the run answers.
        digest: of the answer; the run of another answer is another run.
        files: small text artifacts by name.
        created_ms: time of the measurement; None if it is unknown.
    """

    name: str
    suite: str
    step: str
    key: str
    digest: str
    points: Sequence[Point]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    files: Mapping[str, str]
    created_ms: int | None


def experiment_name(suite: str) -> str:
    """Return the name of the experiment of a suite."""
    return plain(f"acn-eval/{suite}", NAME)


def key_name(text: str) -> str:
    """Return the text with what MLflow refuses in a key replaced.

    >>> key_name("jpeg (q=10)")
    'jpeg__q_10_'
    >>> key_name("a//../b")
    'a/b'
    """
    parts = shortened(_FORBIDDEN.sub("_", text.replace(" ", "_")), NAME).split("/")
    return "/".join(part for part in parts if part.strip(".…")).replace("…", "__") or "_"


def end_point_key(name: str) -> str:
    """Return the key of an endpoint's metric.

    >>> end_point_key("mean over exits")
    'mean/over_exits'
    """
    return key_name(name.replace(" ", "/", 1))


def model_key(result: EvalResult) -> str:
    """Return what identifies the network: weights, architecture and preprocessing.

    The official AC and Res Mixers share one file layout, so the weights alone do not.
    """
    checkpoint = result.checkpoint
    return digest([checkpoint.sha256, checkpoint.arch, checkpoint.preprocessing])


def tags_of(facts: Mapping[str, object]) -> dict[str, str]:
    """Return facts as tags of acn-eval."""
    return {f"acn_eval.{name}": plain(str(value)) for name, value in facts.items()}


def digest(facts: Any) -> str:
    """Return 16 hex digits that depend on the facts as JSON."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def flat(facts: Any, prefix: str) -> dict[str, str]:
    """Return nested facts as one level of text, the path in the key.

    >>> flat({"depth": 8, "mlp": {"ratio": 4}, "levels": [0.1, 0.2]}, "arch")
    {'arch.depth': '8', 'arch.mlp.ratio': '4', 'arch.levels': '[0.1, 0.2]'}
    """
    return {key_name(path): plain(text) for path, text in _leaves(facts, prefix)}


def _leaves(facts: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(facts, Mapping):
        for name, value in facts.items():
            yield from _leaves(value, f"{path}.{name}")
    elif isinstance(facts, list | tuple) and any(isinstance(v, Mapping) for v in facts):
        for number, value in enumerate(facts):
            yield from _leaves(value, f"{path}.{number}")
    else:
        yield path, facts if isinstance(facts, str) else json.dumps(facts, default=str)
