"""Numbers of the shipped commands are those that were recorded, to the last digit.

The goldens were recorded by ``python -m tests.goldens.record``. They change only where a number is
meant to change, and the changelog then says so.

Libraries are asked for instructions that every x86-64 processor has (`record.PINNED`). Without
that, accuracies of trained networks and of probes differ between processors.
"""

import platform
import sys

import pytest

from tests.goldens.commands import COMMANDS
from tests.goldens.projection import differences
from tests.goldens.record import GOLDENS, measured, read

pytestmark = pytest.mark.timeout(600)
FAST = [command for command in COMMANDS if not command.slow]
SLOW = [command for command in COMMANDS if command.slow]
to_the_last_digit = pytest.mark.skipif(
    sys.version_info >= (3, 12) or platform.machine() != "x86_64",
    reason="recorded on Python 3.11, x86-64; since 3.12 sum() rounds once, not at every term",
)


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    return measured(FAST, tmp_path_factory.mktemp("goldens"))


@to_the_last_digit
@pytest.mark.parametrize("name", [command.name for command in FAST])
def test_numbers_are_those_that_were_recorded(name, fast):
    assert not differences(read(name), fast[name])


@to_the_last_digit
@pytest.mark.slow
@pytest.mark.parametrize("command", SLOW, ids=lambda command: command.name)
def test_slow_numbers_are_those_that_were_recorded(command, tmp_path):
    assert not differences(read(command.name), measured([command], tmp_path)[command.name])


def test_every_golden_has_its_command():
    assert {file.stem for file in GOLDENS.glob("*.json")} == {c.name for c in COMMANDS}


def test_a_changed_last_digit_is_a_difference():
    golden = {"p": 0.1, "numbers": [1.0, 2.0]}
    assert not differences(golden, {"p": 0.1, "numbers": [2.0, 3.0, 1.0]})
    assert len(differences(golden, {"p": 0.10000000000000002, "numbers": [1.0]})) == 2
    assert differences(golden, {"p": 0.1}) == ["numbers: was [1.0, 2.0], is None"]
    assert differences({}, golden)
