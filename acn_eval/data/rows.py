"""The rows of one split of a table, in batches; what Hugging Face says about their columns."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from acn_eval.config_files import parse_json
from acn_eval.errors import DAMAGED, DataError

__all__ = ["UNREADABLE", "Rows", "readable"]

UNREADABLE: tuple[type[Exception], ...] = (*DAMAGED, pa.ArrowException)
"""What pyarrow raises on a damaged or hostile file."""
_SHOWN = 8


@dataclass(frozen=True)
class Rows(ABC):
    """The rows of one split, in batches of which one at a time is in memory.

    Attributes:
        where: the data set, as messages name it.
        schema: of every batch.
        counts: rows of every batch.
    """

    where: str
    schema: pa.Schema
    counts: tuple[int, ...]

    @abstractmethod
    def column(self, batch: int, name: str) -> pa.Array:
        """Return a column of a batch.

        Raises:
            DataError: it is damaged, or takes too much memory.
        """

    @cached_property
    def features(self) -> Mapping[str, Any]:
        """What Hugging Face says about the columns, by name; {} where it does not."""
        given = (self.schema.metadata or {}).get(b"huggingface")
        try:
            found = parse_json(given)["info"]["features"] if given else {}
        except UNREADABLE as exc:
            raise DataError(f"{self.where}: its features must be JSON; {exc}") from exc
        return found if isinstance(found, dict) else {}

    def of_type(self, kind: str) -> list[str]:
        """Return the columns that Hugging Face calls, e.g., ``Image``."""
        named = self.features.items()
        return [n for n, f in named if isinstance(f, dict) and f.get("_type") == kind]

    def described(self) -> str:
        """Name the columns and their types, for messages."""
        shown = [f"{f.name!r:.50} ({f.type!s:.40})" for f in self.schema][:_SHOWN]
        return ", ".join(shown) + (", ..." if len(self.schema) > _SHOWN else "")


def readable(schema: pa.Schema) -> pa.Schema:
    """Return the schema, if all of its names are UTF-8.

    Raises:
        UnicodeDecodeError: one is not; pyarrow decodes each when it is asked for.
    """
    for column in schema:
        _ = column.name, str(column.type)
    return schema
