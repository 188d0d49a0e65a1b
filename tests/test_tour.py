"""The tour names the way of the main job as it is: its files, its order, and the floors."""

import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.test_layers import FLOORS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^\d+\. `([\w/]+\.py)`, `([\w.]+)`: ((?:.|\n )+)", TEXT, re.MULTILINE)
WAY = [(file, function) for file, function, _ in STEPS]
OPTIMIZED = 1  # flag of the code of a function; that of a module or class has none


def test_the_way_is_short_and_enters_no_file_more_than_twice():
    files = Counter(file for file, _ in WAY)
    assert [name for name in files if not (ROOT / "acn_eval" / name).is_file()] == []
    assert 20 <= len(files) <= 30
    assert max(files.values()) <= 2
    assert len(WAY) == len(re.findall(r"^\d+\. ", TEXT, re.MULTILINE))


def test_every_step_is_one_sentence():
    for _, _, text in STEPS:
        assert re.fullmatch(r"[A-Z].*[a-z`]\.", text, re.DOTALL), text
        assert not re.search(r"\. [A-Z]", text), text


@pytest.fixture
def called():
    """The functions of the tour in the order of their first calls, filled while a test runs."""
    package, wanted, first = f"{ROOT / 'acn_eval'}/", set(WAY), {}

    def profile(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_flags & OPTIMIZED:
            function = code.co_filename.removeprefix(package), code.co_qualname
            if function in wanted:
                first.setdefault(function)

    before = sys.getprofile()
    sys.setprofile(profile)
    yield first
    sys.setprofile(before)


def test_the_main_job_goes_this_way(folder, called, call):
    job = ("robustness", "--ckpt", "tiny_ac.pt", "--suite", "small.yaml", "--limit", "20")
    code, out, _ = call(*job, "--no-track")
    assert code == 0
    assert "tiny_ac" in out.splitlines()[0]
    assert list(called) == WAY


def test_the_floors_are_those_of_the_house():
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", TEXT, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(len(FLOORS)))
    assert [set(re.findall(r"`([\w/]+)`", rooms)) for _, rooms in rows] == list(FLOORS)


def test_a_room_has_the_files_that_the_tour_names():
    (table,) = re.findall(r"\| file \| what it holds \|\n((?:\|.+\n)+)", TEXT)
    names = set(re.findall(r"^\| `(\w+\.py)`", table, re.MULTILINE)) - {"figure.py"}
    rooms = [path.parent for path in (ROOT / "acn_eval" / "studies").glob("*/suite.py")]
    assert len(rooms) == 7
    assert [room.name for room in rooms if any(not (room / n).exists() for n in names)] == []
