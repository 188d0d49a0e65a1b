"""How the service is: its parts, its workers, and what it watches."""

from typing import Any

from acn_eval.service.service import Service
from acn_eval.service.workers import Workers

__all__ = ["facts"]

_SHOWN = 100


def facts(service: Service) -> dict[str, Any]:
    """Return what the page shows beside the parts that are ready or not."""
    workers = Workers(service.database).latest(_SHOWN)
    return {"workers": workers, "profiles": service.settings.profiles}
