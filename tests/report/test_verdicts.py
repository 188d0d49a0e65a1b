"""The verdict of a gate is found beside the results that it is about."""

import json
import shutil

import pytest

from acn_eval.errors import DataError
from acn_eval.report.inputs import material
from acn_eval.report.verdicts import read_verdict
from acn_eval.tracking import find


def test_the_gate_s_verdict_is_found_and_only_its_own(stored, tmp_path):
    verdict = material(find([stored])).verdict
    facts = json.loads((stored / "gate.json").read_text())
    assert json.loads(json.dumps(verdict.to_dict() | {"exit_code": verdict.exit_code})) == facts
    shutil.copytree(stored, tmp_path / "copy")
    facts["candidate"]["key"] = "of another one"
    (tmp_path / "copy" / "gate.json").write_text(json.dumps(facts))
    (tmp_path / "copy" / "broken.json").write_text("{")
    assert material(find([tmp_path / "copy"])).verdict is None


def test_a_verdict_of_another_version_is_refused(stored):
    facts = json.loads((stored / "gate.json").read_text())
    del facts["rules"][0]["bound"]
    with pytest.raises(DataError, match=r"gate.json: must be a verdict of this version"):
        read_verdict(facts, stored / "gate.json")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000])
def test_json_that_is_no_verdict_is_passed_over(stored, text, tmp_path):
    shutil.copytree(stored, tmp_path / "copy")
    facts = json.loads((stored / "gate.json").read_text())
    (tmp_path / "copy" / "a.json").write_text(text)
    (tmp_path / "copy" / "b.json").write_text(json.dumps({**facts, "candidate": [3]}))
    (tmp_path / "copy" / "c.json").write_text(json.dumps({**facts, "baseline": {"key": [3]}}))
    assert material(find([tmp_path / "copy"])).verdict == material(find([stored])).verdict
