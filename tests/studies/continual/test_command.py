"""`acn-eval continual`: what it prints and keeps, and that a kill costs nothing but time."""

import json
import re
import sqlite3
from contextlib import closing

import pytest
import yaml

from acn_eval.report.inputs import head_cells
from acn_eval.results import EvalResult
from acn_eval.tracking.run_content import key_name
from tests.cli.test_processes import outcomes, wait_for
from tests.studies.continual.plans import suite
from tests.tiny import run, start

JOB = ("continual", "--suite", "turn.yaml", "--device", "cpu")
METHODS = ({"method": "naive"}, {"method": "si"}, {"method": "joint"})


def write(folder, **changes):
    fields = {"tasks": 5, "steps": 3, "methods": METHODS, "seeds": 3, **changes}
    record = suite(**fields).model_dump(mode="json")
    (folder / "turn.yaml").write_text(yaml.safe_dump(record))


@pytest.fixture
def turn(folder):
    write(folder)
    return folder


def results(folder):
    return [EvalResult.load(p.parent) for p in sorted(folder.glob("acn-results/*/result.json"))]


def test_everything_is_kept(turn, call):
    assert call(*JOB, "--no-track", "--json", "all.json", "--quiet")[0] == 0
    document = json.loads((turn / "all.json").read_text())
    assert len(document["results"]) == 18
    assert [len(c["findings"]) for c in document["comparisons"]] == [2, 12, 12]
    found = results(turn)
    orders = {r.checkpoint.training["seed"]: set() for r in found}
    for result in found:
        (folder,) = turn.glob(f"acn-results/*{result.key}")
        record = json.loads((folder / "tasks.json").read_text())
        assert record == result.details["tasks"]
        orders[record["seed"]].add(record["sha256"])
    assert [len(digests) for digests in orders.values()] == [1, 1, 1]  # alike for all networks
    assert len(set.union(*orders.values())) == 3


def test_another_method_leaves_the_results_that_are_there(turn, call):
    write(turn, methods=METHODS[:1])
    assert call(*JOB, "--no-track", "-q")[0] == 0
    before = {r.key for r in results(turn)}
    write(turn)
    assert call(*JOB, "--no-track", "-q")[0] == 0
    assert before < {r.key for r in results(turn)}


def test_the_plan_runs_nothing(turn, call):
    code, out, err = call(*JOB, "--plan")
    assert (code, err) == (0, "")
    lines = [re.split(r"  +", line) for line in out.splitlines()]
    assert lines[1][:4] == ["acn L2 joint", "3", "0", "45"]
    assert "5 tasks of 2 classes of 1,094 images, 3 seeds; evaluated on 352 test images" in out
    assert "nothing was run" in out
    assert not outcomes(turn)


def test_options_replace_what_the_suite_says(turn, call):
    code, out, _ = call(*JOB, "--plan", "--depth", "1", "--depth", "3", "--seeds", "4")
    assert code == 0
    assert re.search(r"^acn L1 joint +4 ", out, re.M)
    assert re.search(r"^residual L3 si zenke c=1 +4 ", out, re.M)
    assert "L2" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--suite", "robustness"), "must be of kind continual; got robustness"),
        (("--suite", "wrong.yaml"), "tasks: must divide the number of classes, 10; got 3"),
        (("--data", "mnist"), "data must be digits, cifar10, cifar100"),
    ],
)
def test_what_cannot_be_run(turn, refused, arguments, message):
    record = yaml.safe_load((turn / "turn.yaml").read_text())
    (turn / "wrong.yaml").write_text(yaml.safe_dump({**record, "tasks": 3}))
    assert message in refused(2, *JOB, *arguments, "--no-track")


def test_no_evaluation_can_run_it(turn, refused):
    got = refused(2, "robustness", "--ckpt", "tiny_ac.pt", "--suite", "turn.yaml", "--no-track")
    assert "must be of kind robustness; got continual. Use acn-eval continual." in got


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_table_its_record_and_figures(folder, call):
    write(folder, steps=10, methods=METHODS[:2])
    process = start(folder, *JOB)
    wait_for(lambda: len(outcomes(folder)) > 3, process)
    process.kill()
    process.communicate()
    assert not list(folder.glob("acn-results/*"))
    code, out, err = run(folder, *JOB)
    assert (code, err) == (0, "")
    again = call(*JOB, "--no-cache", "--no-track", "--out", "anew")
    assert again[1].splitlines()[:-1] == out.splitlines()[:-3]
    assert len(list(folder.glob("acn-results/compare-*/forgetting.png"))) == 2
    assert "in MLflow: sqlite" in out
    with closing(sqlite3.connect(folder / "mlflow.db")) as store:
        metrics = dict(store.execute("select key, value from latest_metrics"))
    compared = json.loads(next(folder.glob("acn-results/compare-*/comparison.json")).read_text())
    values = {f["name"]: f["difference"]["value"] for f in compared["findings"]}
    assert f"difference_value/{key_name('forgetting, task-IL')}" in metrics
    assert f"measure/{key_name('forgetting, task-IL')}" in metrics
    assert values["forgetting, task-IL"] != 0


def test_a_report_asks_the_network_after_its_last_task(turn, call):
    write(turn, methods=METHODS[:1])
    assert call(*JOB, "--no-track", "-q")[0] == 0
    found = results(turn)
    for result in found:
        (cell,) = head_cells(result)
        assert (cell.condition["tasks"], cell.condition["scenario"]) == (5, "task_il")
    assert call("report", "--out", "page.html")[0] == 0
    assert "forgetting in points; bands: 95 % over seeds" in (turn / "page.html").read_text()
