"""A verdict is a plain record that survives JSON, also one of an older version."""

import json
from dataclasses import replace

from acn_eval.config_files import recorded
from acn_eval.gate import Verdict, decide
from acn_eval.gate.verdict import Network
from tests.gate.pairs import gate, pair


def read(facts):
    return recorded(json.loads(json.dumps(facts)), Verdict)


def test_verdicts_are_read_back_from_json(verdicts):
    for verdict in verdicts.values():
        assert read(verdict.to_dict()) == verdict


def test_exit_codes_tell_the_verdicts_apart(verdicts):
    codes = {name: verdict.exit_code for name, verdict in verdicts.items()}
    assert codes == {
        "pass": 0,
        "fail": 1,
        "no verdict": 3,
        "missing": 3,
        "mismatch": 3,
        "identical": 0,
    }


def test_a_side_is_named_with_its_weights_and_its_result():
    candidate, baseline = pair(100)
    verdict = decide(gate(), candidate, baseline)
    assert verdict.candidate == Network("new", "sha of new", candidate.key)
    assert verdict.baseline == Network("old", "sha of old", baseline.key)


def test_a_verdict_of_before_does_not_know_how_many_classes_there_were(verdicts):
    facts = verdicts["pass"].to_dict()
    old = read({k: v for k, v in facts.items() if k not in {"classes", "all_classes"}})
    assert (old.classes, old.chosen) == ((), False)


def test_chosen_classes_are_said_in_the_one_line():
    all_of_them = decide(gate(), *pair(1000))
    assert not all_of_them.chosen
    sides = (
        replace(
            side,
            data=replace(side.data, classes=("cat", "dog")),
            details={"all_classes": 10},
        )
        for side in pair(1000)
    )
    verdict = decide(gate(), *sides)
    assert verdict.chosen
    assert verdict.verdict == "pass"
    assert verdict.sentence.endswith(" (judged on 2 of 10 classes: cat, dog).")
