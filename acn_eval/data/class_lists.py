"""Reads lists of classes: names, or positions such as 0-4."""

from collections.abc import Sequence

from acn_eval.data.examples import number_of
from acn_eval.errors import ConfigError

__all__ = ["listed_classes"]


def listed_classes(parts: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of classes that are called by name, position or range of positions.

    Args:
        parts: of the list; what is neither stays as it is.
        names: of all classes, in their order.

    Raises:
        ConfigError: a position that is not there, or that another class is called by.

    >>> listed_classes(["dog", "0-1"], ["cat", "cow", "dog"])
    ('dog', 'cat', 'cow')
    """
    return tuple(dict.fromkeys(name for part in parts for name in _listed(part, names)))


def _listed(part: str, names: Sequence[str]) -> Sequence[str]:
    low, dash, high = part.partition("-")
    first = number_of(low)
    last = number_of(high) if dash else first
    if part in names or first is None or last is None:
        return (part,)
    if not first <= last < len(names):
        top = len(names) - 1
        msg = f"`classes`: must be names or positions 0-{top}; got {part}"
        raise ConfigError(msg, "classes")
    chosen = names[first : last + 1]
    numbered = {number_of(name): i for i, name in enumerate(names)}
    if any(numbered.get(i, i) != i for i in range(first, last + 1)):
        what = "`classes`: must be names where classes are called by numbers other than positions"
        msg = f"{what}; got {part}, the positions of {', '.join(chosen[:5])}"
        raise ConfigError(msg, "classes")
    return chosen
