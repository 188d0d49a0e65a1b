"""The options of an engine, and what they mean together."""

import click
import pytest

from acn_eval.engine.choice import EngineChoice
from acn_eval.terminal.engine_options import engine_choice, engine_options
from acn_eval.terminal.titled import Titled

CASES = [
    ([], EngineChoice()),
    (["--threads", "2"], EngineChoice(threads=2)),
    (["--workers", "3"], EngineChoice("processes", 3)),
    (["--workers", "1", "--threads", "4"], EngineChoice("processes", 1, 4)),
    (
        ["--engine", "ray://127.0.0.1:1", "--allow-mixed"],
        EngineChoice("ray://127.0.0.1:1", None, None, True),
    ),
]


def chosen(*arguments):
    @click.command(cls=Titled)
    def command(**given):
        return engine_choice(**given)

    for option in engine_options:
        command = option(command)
    return command.main(list(arguments), standalone_mode=False)


@pytest.mark.parametrize(("arguments", "expected"), CASES, ids=lambda own: str(own)[:40])
def test_they_are_a_choice(arguments, expected):
    assert chosen(*arguments) == expected


@pytest.mark.parametrize("arguments", [("--workers", "0"), ("--threads", "0")], ids=" ".join)
def test_counts_start_at_one(arguments):
    with pytest.raises(click.BadParameter):
        chosen(*arguments)
