"""How the service is: its parts, its workers, and what it watches."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from acn_eval.service.service import Service
from acn_eval.service.tables import worker as table

__all__ = ["Worker", "facts"]

_SHOWN = 100


@dataclass(frozen=True)
class Worker:
    """A process that takes jobs; times are seconds since 1970."""

    name: str
    started: float
    seen: float
    job: int | None
    acn_eval: str


def facts(service: Service) -> dict[str, Any]:
    """Return what the page shows beside the parts that are ready or not."""
    asked = select(table).order_by(table.c.seen.desc()).limit(_SHOWN)
    with service.database.read() as connection:
        workers = [Worker(**row) for row in connection.execute(asked).mappings()]
    return {"workers": workers, "profiles": service.settings.profiles}
