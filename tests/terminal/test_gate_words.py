"""Files for CI servers say what the terminal says."""

import json
from xml.etree import ElementTree

import pytest

from tests.gate.shop import against, stored_pairs


@pytest.fixture
def stored(folder):
    return stored_pairs(folder)


def test_files_say_the_same(stored, folder, call):
    files = ("--junit", "out/g.xml", "--markdown", "out/g.md", "--json", "out/g.json")
    code, out, _ = call(*against(stored["bad"]), *files)
    assert code == 1
    verdict = json.loads((folder / "out/g.json").read_text())
    assert (verdict["verdict"], verdict["exit_code"]) == ("fail", 1)
    assert (folder / "out/g.md").read_text().startswith(f"### FAIL: {verdict['sentence']}")
    suite = ElementTree.parse(folder / "out/g.xml").getroot()[0]
    assert suite.get("failures") == str([r["verdict"] for r in verdict["rules"]].count("fail"))
    assert verdict["sentence"] in " ".join(out.split())
    assert json.loads(call(*against(stored["bad"]), "--json", "-")[1]) == verdict


def test_a_github_runner_is_told(stored, folder, call, monkeypatch):
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"):
        monkeypatch.setenv(name, str(folder / name))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (folder / "GITHUB_STEP_SUMMARY").write_text("before\n")
    code, out, _ = call(*against(stored["bad"]))
    assert code == 1
    assert "\n::error title=acn-eval gate stored%3A FAIL::new is worse than old" in out
    assert (folder / "GITHUB_STEP_SUMMARY").read_text().startswith("before\n### FAIL: ")
    assert (folder / "GITHUB_OUTPUT").read_text().startswith("verdict=fail\nsentence=new is worse")
    (folder / "GITHUB_STEP_SUMMARY").write_text("x" * (2**20 - 10))
    call(*against(stored["bad"]))
    assert (folder / "GITHUB_STEP_SUMMARY").stat().st_size == 2**20
