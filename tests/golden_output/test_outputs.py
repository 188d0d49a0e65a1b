"""What commands print is what was recorded, at four widths and in a pipe.

Recorded by ``python -m tests.golden_output.outputs``; whoever changes an output looks at it there.
"""

import re
import sys

import pytest

from tests.golden_output.outputs import FOLDER, golden, outputs, rendered

OUTPUTS = outputs()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Toys that another test of this process has installed are not ours.
    monkeypatch.setattr(sys, "path", [place for place in sys.path if "toys" not in place])
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_are_those_that_were_recorded(name):
    assert rendered(OUTPUTS[name]) == golden(name)


def test_every_recorded_output_is_compared():
    assert {file.stem for file in FOLDER.glob("*.txt")} == set(OUTPUTS)


@pytest.mark.parametrize("name", OUTPUTS)
def test_recorded_outputs_keep_to_their_width_and_cut_no_number(name):
    parts = re.split(r"^== (\S+) .*=$", golden(name), flags=re.MULTILINE)[1:]
    for width, text in zip(parts[::2], parts[1::2], strict=True):
        assert "…" not in text
        if width != "piped" and not name.startswith("compare_explained"):
            long = [line for line in text.splitlines() if len(line) > int(width)]
            assert all(name.endswith("_quiet") or " " not in line for line in long), long
