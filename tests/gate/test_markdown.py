"""Markdown, and what GitHub runners read."""

import re
from dataclasses import replace

from acn_eval.gate.markdown import annotations, markdown, outputs


def test_markdown_is_a_table(verdicts):
    lines = markdown(verdicts["fail"]).splitlines()
    assert lines[0].startswith("### FAIL: new is worse than old beyond the margins:")
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
    assert failed[0].startswith("::error title=acn-eval gate toy%3A FAIL::new is worse than old")
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
