"""Stores of a test's own, and a server that does not answer."""

from tests.tracking.conftest import _no_address, dead_server

__all__ = ["_no_address", "dead_server"]
