"""What a unit of work is made of: descriptions, from which any process opens the same data."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Described"]


class Described:
    """A frozen dataclass that is pickled as its fields alone.

    What it has opened or computed since (`functools.cached_property`) stays behind, and is opened
    or computed anew where it is read.
    """

    def __reduce__(self: "DataclassInstance") -> tuple[Any, ...]:
        """Return the class and its fields."""
        return type(self), tuple(getattr(self, field.name) for field in fields(self))
