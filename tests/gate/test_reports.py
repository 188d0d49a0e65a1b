"""JUnit, Markdown and what GitHub's runners read."""

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from acn_eval.gate import decide
from acn_eval.gate.junit import junit
from acn_eval.gate.markdown import annotations, markdown, outputs
from tests.gate.pairs import gate, pair

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))


@pytest.fixture(scope="module")
def verdicts():
    candidate, baseline = pair(1000)
    missing = replace(candidate, cells=candidate.cells[:2])
    return {
        "pass": decide(gate(), candidate, baseline),
        "fail": decide(gate(), *pair(1000, gaussian_04=(0, 300), clean=(0, 100))),
        "no verdict": decide(gate(primary=0.005, clean=0.005), *pair(100, clean=(1, 1))),
        "missing": decide(gate(), missing, baseline),
        "mismatch": decide(gate(), replace(candidate, seed=1), baseline),
        "identical": decide(gate(), candidate, candidate),
    }


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


HOSTILE = "a<b>&\x00\x1b]|\n::error::x%,:"


@pytest.fixture(scope="module")
def hostile():
    return decide(gate(), *pair(1000, names=(HOSTILE, "old"), clean=(0, 200)))


def test_junit_of_a_hostile_name(hostile):
    text = junit(hostile)
    SCHEMA.validate(text)
    assert r"a&lt;b&gt;&amp;\x00\x1b]|" in text


def test_markdown_is_a_table(verdicts):
    lines = markdown(verdicts["fail"]).splitlines()
    assert lines[0].startswith("### FAIL: new against old: worse than allowed;")
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 6
    assert len({line.count("|") for line in table}) == 1
    assert "| clean | -10.0 [" in "\n".join(table)


def test_markdown_of_a_hostile_name_stays_in_its_line(hostile):
    assert not any(line.startswith("::") for line in markdown(hostile).splitlines())


def test_annotations_are_one_summary_and_the_worst_five(verdicts):
    assert [line[:8] for line in annotations(verdicts["pass"])] == ["::notice"]
    failed = list(annotations(verdicts["fail"]))
    assert len(failed) == 4
    assert failed[0].startswith("::error title=acn-eval gate toy%3A FAIL::new against old: worse")
    assert failed[1].startswith("::error title=")
    assert all(line.startswith("::warning") for line in annotations(verdicts["no verdict"]))
    many = replace(verdicts["fail"], rules=verdicts["fail"].rules[:2] * 9)
    assert len(list(annotations(many))) == 6


def test_annotations_of_a_hostile_name_are_one_command_each(hostile):
    for line in annotations(hostile):
        assert "\n" not in line
        assert re.fullmatch(r"::error title=[^:,\n]*::.*", line)
    assert r"\n\x3a:error\x3a:x%25,:" in next(annotations(hostile))


def test_outputs_are_one_line_each(hostile):
    lines = outputs(hostile).splitlines()
    assert [line.partition("=")[0] for line in lines] == ["verdict", "sentence", "images"]
    assert lines[0] == "verdict=fail"
