"""Each rule is judged by its own limit, and only by what was measured."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.gate import Gate, decide
from acn_eval.gate.rules import rules_of
from acn_eval.results import Cell
from acn_eval.studies.compare import join
from tests.gate.pairs import gate, pair
from tests.gate.sides import rules
from tests.statistics.results import CLEAN, STRONG, result


@pytest.mark.parametrize(
    ("accuracy", "expected"), [(0.95, "pass"), (0.905, "no_verdict"), (0.8, "fail")]
)
def test_floors_are_judged_by_their_limit(accuracy, expected):
    verdict = decide(gate(floors={"mean corrupted": 0.9}), *pair(1000, accuracy=accuracy))
    assert verdict.verdict == expected
    assert rules(verdict)["mean corrupted itself"].verdict == expected


def test_a_rule_is_not_measured_by_what_is_no_number():
    """Pairing refuses such outcomes; a rule does so again, because NaN is below no margin."""
    outcomes = join(pair(100))
    outcomes.values[:, -1, 5] = np.nan
    found = {rule.name: rule for rule in rules_of(gate(), outcomes)}
    assert [name for name, rule in found.items() if rule.measured] == ["clean", "gaussian 0.1"]
    assert "must be numbers from 0 to 1" in found["mean corrupted"].reason


def test_a_name_that_is_no_condition_gives_no_verdict_and_a_hint():
    verdict = decide(gate(floors={"gausian 0.4": 0.5}), *pair(1000))
    assert verdict.verdict == "no_verdict"
    assert "Did you mean gaussian 0.4?" in verdict.sentence


@pytest.mark.parametrize("lost", [{"repeat": 1}, {"space": "normalized"}])
def test_a_missing_draw_is_missing_even_where_its_name_was_measured(lost):
    candidate, baseline = pair(1000)
    more = replace(baseline.cells[2], condition={**STRONG, **lost})
    if "repeat" in lost:
        first = [
            replace(s.cells[2], condition={**STRONG, "repeat": 0}) for s in (candidate, baseline)
        ]
        candidate = replace(candidate, cells=(*candidate.cells[:2], first[0]))
        baseline = replace(baseline, cells=(*baseline.cells[:2], first[1]))
    verdict = decide(gate(), candidate, replace(baseline, cells=(*baseline.cells, more)))
    assert verdict.verdict == "no_verdict"
    found = [(r.verdict, r.note) for r in verdict.rules if r.name == "gaussian 0.4"]
    assert found == [("pass", ""), ("not_measured", "new: not measured")]


def test_the_floor_of_a_metric_has_its_own_variance_and_ends_where_the_metric_ends():
    """Of perfect answers the limit from above is 1, and the plan knows that examples vary."""
    labels = np.arange(200) % 2
    told = np.where(np.arange(200) < 3, 1 - labels, labels).astype(np.int32)
    perfect, good = (
        result(name, [Cell.answered(CLEAN, np.arange(200), labels, answers.astype(np.int32))])
        for name, answers in (("acn", labels), ("res", told))
    )
    own = Gate(name="toy", metric="f1", margins={"primary": 0.1}, floors={"clean": 0.9})
    rules = rules_of(own, join([perfect, good], metric="f1"))
    assert [rule.name for rule in rules[:2]] == ["mean of all conditions", "clean itself"]
    difference, floor = rules[:2]
    assert difference.variance == pytest.approx((3 + 2) / 202, rel=0.1)
    assert floor.variance == pytest.approx(2 / 202, rel=0.1)
    rows = {row.name: row for row in decide(own, perfect, good).rules}
    estimate = rows["clean itself"].estimate
    assert (estimate.value, estimate.high) == (pytest.approx(1), 1)
    assert 0.97 < estimate.low < 0.99
    assert rows["clean itself"].verdict == "pass"
