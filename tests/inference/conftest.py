"""Small chunks, so that a few images are many writes."""

import sys

import pytest


@pytest.fixture
def chunks_of(monkeypatch):
    """Call it with a number of images between two writes."""
    module = sys.modules["acn_eval.inference.one_pass"]

    def choose(size):
        monkeypatch.setattr(module, "_chunk_size", lambda *facts: size)

    return choose
