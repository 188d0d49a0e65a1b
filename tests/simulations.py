"""What tests of simulations share: the scripts of `benchmarks/`, and the figures they print."""

import importlib
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def script(name):
    """A script of `benchmarks/` as a module; its neighbours are found while it is used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
        yield importlib.import_module(name)


def of(figures, method, setting=""):
    """The figures of a method, in settings whose name holds a text."""
    chosen = [f for f in figures if f.method == method and setting in f.setting]
    assert chosen
    return chosen
