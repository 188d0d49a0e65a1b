"""The conditions that a suite names: each is in its results, or its absence is said."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from acn_eval.errors import ConfigError
from acn_eval.results import Scalar

__all__ = ["Asked", "asked"]

_NO_CONDITION = {"kind", "levels"}


@dataclass(frozen=True)
class Asked:
    """A condition that a suite names.

    Attributes:
        condition: the fields that the suite fixes; those of a network (its exits) are not here.
        count: how many conditions of the results have these fields: one per draw of the noise.
    """

    condition: Mapping[str, Scalar]
    count: int = 1

    def found(self, conditions: Iterable[Mapping[str, Scalar]]) -> bool:
        """Whether so many of the conditions have these fields."""
        own = self.condition.items()
        return sum(all(c.get(k) == v for k, v in own) for c in conditions) >= self.count

    def missed(self, conditions: Iterable[Mapping[str, Scalar]]) -> bool:
        """Whether one of the conditions, which are known to be absent, says that it is."""
        own = self.condition
        return any(all(own.get(k, v) == v for k, v in c.items()) for c in conditions)


def asked(suite: Mapping[str, Any]) -> tuple[Asked, ...]:
    """Return the conditions that the config of a suite names.

    What depends on the network or on training alone (dynamics, continual) is not among them.

    Raises:
        ConfigError: not the config of a suite.
    """
    named = _ASKED.get(str(suite.get("kind", "robustness")), _nothing)
    try:
        return tuple(named(suite))
    except (AttributeError, LookupError, TypeError, ValueError) as exc:
        name = suite.get("name", "suite")
        raise ConfigError(f"{name}: must be the config of a suite; {exc!r}") from exc


def _nothing(suite: Mapping[str, Any]) -> Iterator[Asked]:
    yield from ()


def _robustness(suite: Mapping[str, Any]) -> Iterator[Asked]:
    if "corruptions" in suite:
        yield from _shown(suite)


def _shown(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Undisturbed images, and every corruption at every level."""
    yield Asked({"corruption": "clean"})
    for corruption in suite.get("corruptions", ()):
        fields = {k: v for k, v in corruption.items() if k not in _NO_CONDITION}
        for level in corruption["levels"]:
            condition = {"corruption": corruption["kind"], "level": level, **fields}
            yield Asked(condition, int(suite.get("repeats", 1)))


def _noise(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Conditions of the robustness suite inside another one; None shows undisturbed images."""
    if "noise" in suite:
        yield from _shown(suite["noise"] or {})


def _compression(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Every network has a last exit."""
    for own in _noise(suite):
        yield replace(own, condition={**own.condition, "exit": "last"})


def _transfer(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """Probes are fitted once, whatever the draws of the noise."""
    for own in _noise(suite):
        yield Asked({**own.condition, "exit": "last"})


def _pruning(suite: Mapping[str, Any]) -> Iterator[Asked]:
    """One method has places of its own."""
    everywhere = [m for m in suite.get("methods", ()) if m["kind"] != "movement"]
    whole = sum(method.get("blocks") is None for method in everywhere)
    for own in _noise(suite):
        for sparsity in suite.get("sparsities", ()):
            yield Asked({**own.condition, "sparsity": sparsity}, own.count * whole)


def _low_data(suite: Mapping[str, Any]) -> Iterator[Asked]:
    for size in suite.get("per_class", ()):
        yield Asked({"per_class": size})


_ASKED: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Asked]]] = {
    "robustness": _robustness,
    "compression": _compression,
    "transfer": _transfer,
    "pruning": _pruning,
    "low_data": _low_data,
}
