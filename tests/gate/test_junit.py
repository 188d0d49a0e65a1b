"""JUnit that Jenkins accepts."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from acn_eval.gate.junit import junit
from acn_eval.gate.sentence import legend

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("pass", (4, 0, 0, 0)),
        ("fail", (4, 3, 0, 0)),
        ("no verdict", (4, 0, 0, 2)),
        ("missing", (4, 0, 1, 0)),
        ("mismatch", (1, 0, 1, 0)),
        ("identical", (4, 0, 0, 0)),
    ],
)
def test_junit_is_valid_and_counts(verdicts, name, counts):
    text = junit(verdicts[name])
    SCHEMA.validate(text)
    suite = ElementTree.fromstring(text)[0]
    shown = tuple(int(suite.get(what)) for what in ("tests", "failures", "errors", "skipped"))
    assert shown == counts
    found = [len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")]
    assert (len(suite.findall("testcase")), *found) == counts


def test_junit_holds_limits_and_n(verdicts):
    verdict = verdicts["fail"]
    suite = ElementTree.fromstring(junit(verdict))[0]
    held = {p.get("name"): p.get("value") for p in suite.find("properties")}
    clean = next(rule for rule in verdict.rules if rule.name == "clean")
    assert held["n"] == "1000"
    assert held["classes"] == ", ".join(verdict.classes) != ""
    assert verdict.to_dict()["classes"] == verdict.classes
    assert f"judged on {len(verdict.classes)} classes: {verdict.classes[0]}" in legend(verdict)
    assert float(held["clean: low"]) == pytest.approx(clean.estimate.low, rel=1e-5)
    failure = suite.find("testcase[@name='clean']/failure")
    assert failure.get("message").startswith("clean -10.0 [")
    assert failure.text == verdict.sentence


def test_the_schema_refuses_what_jenkins_refuses(verdicts):
    text = junit(verdicts["pass"])
    wrong = text.replace("<system-out>", "<properties/><system-out>", 1)
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        SCHEMA.validate(wrong)
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        SCHEMA.validate(text.replace('tests="4"', "", 2))


def test_junit_of_a_hostile_name(hostile):
    text = junit(hostile)
    SCHEMA.validate(text)
    assert r"a&lt;b&gt;&amp;\x00\x1b]|" in text
