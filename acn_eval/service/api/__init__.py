"""The HTTP API, version 1."""

from acn_eval.service.api.app import create_app

__all__ = ["create_app"]
