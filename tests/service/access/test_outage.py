"""Strangers learn no address of what is away; its log has it."""

import logging

from acn_eval.errors import TrackingError
from acn_eval.service.access.outage import outage


def test_the_address_is_in_the_log_alone(caplog, monkeypatch):
    logger = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    with caplog.at_level("WARNING", logger.name):
        said = outage(TrackingError("db.lab:5432: must be a database that answers"))
    assert "lab" not in said
    assert "db.lab:5432" in caplog.text
