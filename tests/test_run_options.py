"""The options of a run: the same defaults in Python and on the command line."""

from dataclasses import FrozenInstanceError, fields

import pytest

from acn_eval.run_options import DataSelection, RunOptions
from acn_eval.studies.robustness.command import command
from acn_eval.terminal.options import run_options


def test_the_defaults_are_those_of_the_command_line():
    typed = run_options("repeats", **command.make_context("robustness", ["--ckpt", "x"]).params)
    own = RunOptions(("x",))
    differ = {f.name for f in fields(own) if getattr(typed, f.name) != getattr(own, f.name)}
    assert differ == {"seed"}
    assert (typed.seed, own.seed) == (0, None)  # None is that of a gate, or 0


def test_options_do_not_change():
    with pytest.raises(FrozenInstanceError):
        RunOptions().seed = 1
    assert RunOptions().data == DataSelection()
    assert RunOptions().changes is not RunOptions().changes
