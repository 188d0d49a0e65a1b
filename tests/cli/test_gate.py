"""The gate as a pipeline calls it: verdicts, exit codes and files."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from acn_eval.results import EvalResult
from tests.gate.shop import GATE, JOB, STORED, against, open_shop, stored_pairs
from tests.tiny import START, run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shop(folder):
    return open_shop(folder)


@pytest.fixture
def stored(folder):
    return stored_pairs(folder)


def test_the_same_file_passes_by_identity(shop, call):
    code, out, err = call(*JOB, "--ckpt", "tiny_ac.pt", "--baseline", "tiny_ac.pt", "-q")
    assert (code, err) == (0, "")
    assert re.fullmatch(r"PASS: tiny_ac and tiny_ac are identical: .*\n", out)
    (shop / "other.pt").write_bytes((shop / "tiny_ac.pt").read_bytes())
    _, out, _ = call(*JOB, "--ckpt", "other.pt", "--baseline", "tiny_ac.pt", "-q")
    assert out.startswith("PASS: other and tiny_ac are identical: ")


def test_damaged_weights_fail(shop, call):
    code, out, _ = call(*JOB, "--ckpt", "damaged.pt", "--baseline", "tiny_ac.pt")
    assert code == 1
    assert "FAIL: damaged is worse than tiny_ac beyond the margins: mean corrupted -" in out
    assert "results: acn-results" in out
    assert len(list(shop.glob("acn-results/*/result.json"))) == 2


def test_fifty_images_and_one_point_give_no_verdict(shop, call):
    (shop / "gate.yaml").write_text(GATE.replace("0.02", "0.01") + "limit: 50\n")
    job = (*JOB, "--ckpt", "copy.pt", "--baseline", "tiny_ac.pt", "-q")
    code, out, _ = call(*job)
    assert code == 3
    assert out.startswith("NO VERDICT: 50 examples are too few to judge copy against tiny_ac: ")
    assert call(*job, "--on-no-verdict", "pass")[0] == 0
    assert call(*job, "--on-no-verdict", "fail")[0] == 1


@pytest.mark.parametrize(
    ("given", "fixed", "taken"),
    [
        (("--seed", "7"), "seed 0", "seed 7"),
        (("--limit", "600"), "all examples", "limit 600"),
        (("--limit", "600", "--sequential"), "all examples", "limit 600"),
    ],
)
def test_an_override_is_shown_and_cannot_pass(shop, call, given, fixed, taken):
    (shop / "gate.yaml").write_text(GATE.replace("0.02", "0.03"))
    copy = (*JOB, "--ckpt", "copy.pt", "--baseline", "tiny_ac.pt", *given)
    code, out, _ = call(*copy, "--json", "v.json", "--junit", "v.xml", "--markdown", "v.md")
    assert code == 3
    said = f"{fixed}: not measured (the gate fixes it, and {taken} was taken)"
    assert said in " ".join(out.split())
    assert f"! {taken} instead of {fixed}: this cannot pass" in out
    verdict = json.loads((shop / "v.json").read_text())
    assert (verdict["overrides"], verdict["verdict"]) == ([taken], "no_verdict")
    assert f"- {taken} instead of {fixed}" in (shop / "v.md").read_text()
    suite = ElementTree.parse(shop / "v.xml").getroot()[0]
    assert suite.get("errors") == "1"
    (held,) = suite.findall("properties/property[@name='overrides']")
    assert held.get("value") == taken


def test_what_the_gate_fixes_may_be_given_as_well(shop, call):
    (shop / "gate.yaml").write_text(GATE + "limit: 600\nseed: 3\n")
    job = (*JOB, "--ckpt", "copy.pt", "--baseline", "tiny_ac.pt", "-q", "--json", "v.json")
    for given in ((), ("--seed", "3", "--limit", "600")):
        assert call(*job, *given)[0] == 0
        verdict = json.loads((shop / "v.json").read_text())
        assert (verdict["n"], verdict["overrides"]) == (600, [])
    code, out, _ = call("plan", "--suite", "gate.yaml", "--data", "npz:all.npz")
    assert (code, "n = 600," in out) == (0, True)


def test_stored_results_need_neither_torch_nor_mlflow(stored, folder):
    unwanted = "{'torch', 'mlflow', 'kornia'} & set(sys.modules)"
    code = f"import atexit, sys\natexit.register(lambda: print({unwanted}, file=sys.stderr))\n"
    found, out, err = run(folder, *against(stored["bad"]), "--sequential", code=code + START)
    assert (found, err.strip()) == (1, "set()"), out


@pytest.mark.parametrize(("case", "expected"), [("good", 0), ("bad", 1), ("few", 3)])
def test_stored_results_have_exit_codes(stored, call, case, expected):
    assert call(*against(stored[case]), "-q")[0] == expected


def test_results_of_another_suite_give_no_verdict(stored, folder, call):
    (folder / "stored.yaml").write_text(STORED + "suite: robustness_common\n")
    code, out, _ = call(*against(stored["good"]), "-q")
    assert code == 3
    assert "suite must be robustness_common, which stored judges; got robustness" in out


def test_wrong_use_is_said(shop, stored, refused, call):
    assert call("gate", "--ckpt", "tiny_ac.pt")[0] == 2
    assert call("gate", *against(stored["good"])[1:], "--ckpt", "tiny_ac.pt")[0] == 2
    both = ("--ckpt", "tiny_ac.pt", "--baseline", "copy.pt")
    assert call(*JOB, *both, "--promote", "champion")[0] == 2
    assert "gate.yml: must be the YAML" in refused(2, *JOB, *both, "--suite", "gate.yml")
    assert "runs:/ID" in refused(2, *JOB, "--ckpt", "copy.pt", "--baseline", "runs:nothing")
    (shop / "gate.yaml").write_text(GATE.replace("margins", "margin"))
    assert "Did you mean margins?" in refused(2, *JOB, *both)


def test_looks_need_images_that_stand_alone(shop, refused):
    (shop / "gate.yaml").write_text(GATE.replace("small.yaml", "compression"))
    both = ("--ckpt", "tiny_ac.pt", "--baseline", "tiny_res.pt")
    line = refused(2, *JOB, *both, "--sequential")
    assert "suite must judge each image by itself; got compression" in line


def test_an_early_result_is_refused_later(stored, folder, refused):
    sides = [EvalResult.load(Path(side)) for side in stored["good"]]
    early = {"stopped_early": {"shown": 1000, "of": 9000}}
    part = replace(sides[0], details=early).save(folder / "part")
    line = refused(2, *against([part, stored["good"][1]]))
    assert "must be of all examples that were planned; got one that was stopped after 1000" in line


def test_the_action_runs_the_gate(stored, folder):
    """The script of action.yml, as a runner calls it."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    (step,) = [s for s in action["runs"]["steps"] if s.get("id") == "gate"]
    given = {
        name.upper().replace("-", "_"): spec["default"] for name, spec in action["inputs"].items()
    }
    assert set(step["env"]) == set(given)
    given |= {"RESULT": stored["bad"][0], "AGAINST": stored["bad"][1], "SUITE": "stored.yaml"}
    (folder / "bin").mkdir()
    script = folder / "bin" / "acn-eval"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{START}' \"$@\"\n")
    script.chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env={**os.environ, **given, "PATH": path, "PYTHONPATH": str(ROOT), "GITHUB_OUTPUT": "o"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert (folder / "o").read_text().startswith("verdict=fail\n")
    assert (folder / "gate-report" / "junit.xml").is_file()


def test_the_schema_of_a_gate(call):
    code, out, _ = call("schema", "--gate")
    assert code == 0
    assert {"margins", "floors", "suite"} <= json.loads(out)["properties"].keys()


@pytest.mark.slow
def test_a_pipeline_from_end_to_end(folder, call):
    """Register, promote, and gate the next candidate against the champion."""
    (folder / "gate.yaml").write_text(
        "kind: gate\nname: wide\nsuite: small.yaml\nmargins: {primary: 0.2, clean: 0.2}\n"
    )
    shutil.copy(folder / "tiny_res.pt", folder / "champion.pt")
    job = ("gate", "--device", "cpu", "--suite", "gate.yaml", "--register", "tiny")
    first = (*job, "--ckpt", "champion.pt", "--baseline", "tiny_res.pt")
    code, out, err = call(*first, "--promote", "champion", "--anchor", "champion.pt")
    assert (code, err) == (0, "")
    assert "promoted: models:/tiny@champion is models:/tiny/1" in out
    next_one = (*job, "--ckpt", "tiny_ac.pt", "--baseline", "models:/tiny@champion")
    code, out, _ = call(*next_one, "--promote", "champion")
    assert code in {0, 1, 3}
    assert ("promoted: models:/tiny@champion is models:/tiny/2" in out) == (code == 0)
    Path(folder / "champion.pt").write_bytes(b"something else")
    code, out, _ = call(*next_one[:-1], "models:/tiny/1", "-q")
    assert out.startswith(("PASS", "FAIL", "NO VERDICT"))
    assert " champion " in out


def test_a_plan_of_a_suite_that_trains_does_not_train(call, tiny, monkeypatch):
    monkeypatch.setattr("acn_eval.evaluation.ask", None)  # a call would fail
    code, out, _ = call("plan", "--suite", "pruning", "--ckpt", str(tiny / "tiny_ac.pt"))
    assert code == 0
    assert "The cost is not estimated: pruning also times, fits or trains" in out
