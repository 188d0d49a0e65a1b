"""What strangers learn of a database or a registry that does not answer: no address of either."""

import logging

from acn_eval.errors import TrackingError

__all__ = ["AWAY", "outage"]

AWAY = "the service: must reach its database and MLflow; one of them does not answer. See its log."


def outage(exc: TrackingError) -> str:
    """Return the line of an answer; the whole one goes to the log of the server."""
    logging.getLogger("uvicorn.error").warning("%s", exc)
    return AWAY
