"""The chart of verdicts: where its marks lie, and which versions it leaves out."""

from dataclasses import replace

import pytest

from acn_eval.gate import GateRule, Verdict
from acn_eval.gate.verdict import Network
from acn_eval.service.pages.history import Judged, chart
from acn_eval.statistics import Estimate
from tests.service.pages.rows import version

SIDE = Network("net", "sha", "key")


@pytest.fixture
def judged(service):
    """Return a version whose leading rule has an estimate."""

    def made(number, *estimate, rule="mean corrupted", bound=-0.02):
        job = replace(version(service, number), verdict="pass")
        rules = (GateRule(rule, "difference", True, bound, 10, Estimate(*estimate)),)
        about = ("gate", "suite", "data", SIDE, SIDE, "pass", "is fine", 10, 10, 0.05)
        return Judged(job, Verdict(*about, rules))

    return made


def test_marks_lie_where_their_numbers_are(judged):
    found = chart([judged(1, 0.01, 0.0, 0.02), judged(2, -0.05, -0.06, -0.04)])
    first, second = found.marks
    assert first.low == found.zero
    assert first.high < first.value < first.low < first.bound < second.value < second.low
    heights = dict((label, place) for place, label in found.ticks)
    assert heights["0"] == found.zero
    assert second.low == pytest.approx(heights["-6"])
    assert found.words.startswith("version 1: +1.0 [+0.0, +2.0], PASS; version 2: -5.0")
    assert first.x < second.x < found.width


def test_numbers_of_another_question_or_without_an_end_are_left_out(judged):
    other = judged(1, 0.3, 0.2, 0.4, rule="clean")
    endless = judged(2, 0.0, float("-inf"), float("inf"))
    bare = Judged(other.job, None)
    found = chart([other, endless, bare, judged(3, 0.0, 0.0, 0.0, bound=0.0)])
    assert [mark.label for mark in found.marks] == ["3"]
    assert chart([endless, bare]) is None
