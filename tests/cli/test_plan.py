"""What a run costs and could see, said beforehand."""

import re

import pytest


def test_numbers_alone_are_enough(folder, call):
    code, out, err = call("plan", "--n", "10000", "--discordance", "0.06")
    assert (code, err) == (0, "")
    assert "Suite robustness, n = 10,000, discordance 0.06, assumed" in out
    assert re.search(r"primary end.?point +3\.0 +6\.0 % +0\.6 +100 % +413 *\n", out)


@pytest.mark.parametrize(
    ("given", "expected"),
    [((), "examples must be known"), (("--suite", "nosuch", "--n", "9"), "must be a YAML file")],
)
def test_what_is_missing_is_said(folder, refused, given, expected):
    assert expected in refused(2, "plan", *given)
