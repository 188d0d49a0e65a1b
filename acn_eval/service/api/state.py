"""What every route may ask for: the service, and numbers and names that a database can hold."""

from typing import Annotated, Protocol

from fastapi import Depends, Path, Query, Request

from acn_eval.service.service import Service

__all__ = ["Before", "Here", "Limit", "Model", "Number", "Watched", "service_of"]

_LARGEST = 2**31 - 1  # of a column of numbers


class Watched(Protocol):
    """A watcher of the registry, as far as the API knows it."""

    @property
    def lag(self) -> float:
        """Seconds since the registry was last read, or since the start."""

    def nudge(self) -> None:
        """Let it be read at once."""


def service_of(request: Request) -> Service:
    """Return the service that the app was made for."""
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(service_of)]
Number = Annotated[int, Path(ge=1, le=_LARGEST)]
Before = Annotated[int | None, Query(ge=1, le=_LARGEST)]
Limit = Annotated[int, Query(ge=1, le=200)]
Model = Annotated[str, Path(min_length=1, max_length=300, pattern=r"^[^\x00]+$")]
