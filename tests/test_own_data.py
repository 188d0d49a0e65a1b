"""The page about one's own data is followed literally, from an empty folder to the verdict."""

import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs/own-data.md").read_text()
(DATA,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
STEPS = re.findall(r"^    \$ acn-eval (.+)\n((?:    (?!\$).+\n|\n(?=    ))*)", PAGE, re.MULTILINE)
VERDICTS = {0: "PASS", 1: "FAIL", 3: "NO VERDICT"}


def shown(text):
    """The lines of a block, without its indentation."""
    return [line.removeprefix("    ").rstrip() for line in text.splitlines()]


def shape(line):
    """A line without its numbers, which depend on the machine, and without its padding."""
    return " ".join(re.sub(r"[-+<]?\d[\d.,]*", "#", line).split())


def test_the_page_has_a_step_for_everything():
    assert [words.split()[0] for words, _ in STEPS] == [
        *("init", "train", "train", "robustness", "gate"),
    ]


@pytest.fixture
def said(tmp_path, monkeypatch, call):
    """What every command of the page prints, in an empty folder with the data of the page."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("acn_eval.workflow.running.draw_missing", lambda *arguments: None)
    exec(compile(DATA, "own-data.md", "exec"), {})
    return [call(*shlex.split(words), *untracked(words)) for words, _ in STEPS]


def untracked(words):
    return ["--no-track"] if words.startswith(("robustness", "gate")) else []


def test_the_commands_of_the_page_end_with_a_verdict(said):
    expected = [shown(text) for _, text in STEPS]
    assert [code for code, *_ in said[:-1]] == [0, 0, 0, 0]
    (_, init, _), *trained, (_, robust, _), (code, judged, _) = said
    assert init.rstrip().splitlines() == expected[0]
    for (_, out, _), lines in zip(trained, expected[1:3], strict=True):
        assert [shape(line) for line in out.splitlines()] == [shape(line) for line in lines]
    printed = {shape(line) for line in robust.splitlines()}
    table = expected[3][2:]
    assert len(table) == 8
    assert {shape(line) for line in table} <= printed
    assert robust.splitlines()[0].count("mean corrupted") == 1
    assert judged.startswith(f"{VERDICTS[code]}: ")
    assert expected[4][0].startswith(tuple(VERDICTS.values()))
