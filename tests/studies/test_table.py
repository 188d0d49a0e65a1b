"""What a suite names is what its own code asks."""

import pytest

from acn_eval.errors import ConfigError
from acn_eval.studies.compare import compare, join
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.studies.table import analysis_of
from tests.statistics.results import CLEAN, WEAK, cell, result
from tests.tiny import compression_pair

NOISE = {"kind": "gaussian", "levels": [0.1, 0.4], "space": "pixel"}
VALUES = [1, 0, 1, 0]


def asked(suite):
    return analysis_of(suite).asked_by(suite)


def missing(results):
    return [skip.condition for skip in join(results).absent]


@pytest.mark.parametrize("name", ["robustness", "robustness_common", "robustness_normalized"])
def test_every_question_of_a_shipped_suite_is_asked_for_and_missed_by_itself(name):
    """The reference is the suite itself: every draw of every condition is a question."""
    suite = read_suite(name).model_copy(update={"repeats": 2})
    assert isinstance(suite, Robustness)
    questions = [question.condition for question in suite.questions()]
    names = asked(suite.model_dump(mode="json"))
    assert len(names) == (len(questions) - 1) / 2 + 1
    assert all(own.found(questions) for own in names)
    for lost in range(0, len(questions), 4):
        rest = [condition for i, condition in enumerate(questions) if i != lost]
        assert [own.found(rest) for own in names].count(False) == 1


def test_what_is_measured_lacks_nothing(tiny):
    assert missing(compression_pair(tiny)) == []


@pytest.mark.parametrize(
    ("suite", "lost"),
    [
        ({"corruptions": [NOISE]}, {"corruption": "gaussian", "level": 0.4, "space": "pixel"}),
        (
            {"kind": "compression", "noise": {"corruptions": []}},
            {"corruption": "clean", "exit": "last"},
        ),
        ({"kind": "transfer", "noise": None}, {"corruption": "clean", "exit": "last"}),
        (
            {
                "kind": "pruning",
                "noise": None,
                "sparsities": [0.5],
                "methods": [{"kind": "gradual"}],
            },
            {"corruption": "clean", "sparsity": 0.5},
        ),
        ({"kind": "low_data", "per_class": [10]}, {"per_class": 10}),
    ],
    ids=lambda value: value.get("kind", "robustness") if isinstance(value, dict) else "",
)
def test_what_the_suite_names_and_no_result_has_is_absent(suite, lost):
    cells = [cell(CLEAN, VALUES), cell(WEAK, VALUES)]
    sides = [result(name, cells, suite={"name": "s", **suite}) for name in ("acn", "res")]
    assert missing(sides) == [lost]
    found = [*cells, cell({**CLEAN, **lost}, VALUES)]
    assert missing([result("acn", found, suite={"name": "s", **suite})]) == []


def test_a_comparison_says_what_the_suite_names_and_no_result_has():
    suite = {"name": "robustness", "corruptions": [NOISE]}
    cells = [cell(CLEAN, VALUES), cell(WEAK, VALUES)]
    sides = [result(name, cells, suite=suite) for name in ("acn", "res")]
    said = compare(sides[:1], sides[1:]).warnings
    assert "gaussian 0.4: not compared; the suite names it, and no result has it" in said


def test_what_was_skipped_is_not_said_twice():
    lost = {"corruption": "gaussian", "level": 0.4, "space": "pixel", "repeat": 0}
    suite = {"name": "robustness", "corruptions": [NOISE]}
    cells = [cell(CLEAN, VALUES), cell(WEAK, VALUES)]
    assert missing([result("acn", cells, [(lost, "no op")], suite=suite)]) == [lost]


@pytest.mark.parametrize(
    "corruptions", [5, [5], [{"kind": "gaussian"}], [{"kind": "a", "levels": 3}]]
)
def test_what_is_no_suite_is_refused(corruptions):
    with pytest.raises(ConfigError, match="must be the config of a suite"):
        asked({"name": "odd", "corruptions": corruptions})
