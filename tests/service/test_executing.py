"""Evaluations and gates of jobs: what they answer, leave and record, once and again."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from acn_eval.errors import CheckpointError, ConfigError, MeasureError, TrackingError
from acn_eval.service.requests import Check, Data, Evaluate, Judge
from tests.tiny import SUITE, environment

ROOT = Path(__file__).parents[2]
GATE = """\
kind: gate
name: toy
suite: small.yaml
margins: {primary: 0.3, clean: 0.3}
"""


@pytest.fixture
def place(folder, mlflow_store, monkeypatch):
    """The working directory of a job, beside the tiny pair, a suite and a gate."""
    (folder / "gate.yaml").write_text(GATE)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def execute(place, mlflow_store):
    """Execute a request as the process of a job does; every job has a folder of its own."""
    from acn_eval.service.executing import execute

    numbers = iter(range(100))

    def run(request, results="results"):
        own = place / f"job-{next(numbers)}"
        own.mkdir()
        job = given(place, own, request, mlflow_store.uri, place / results)
        result, names = execute(job, lambda done, total: None)
        return result, {name: (own / name).read_text() for name in names}

    return run


def given(place, own, request, store, results):
    """What the process of a job is given; it may read what lies in `place`."""
    yamls = [str(place / "gate.yaml"), str(place / "small.yaml")]
    return {
        "request": request.model_dump(mode="json"),
        "store": store,
        "results": str(results),
        "folder": str(own),
        "sources": {"roots": [str(place)], "suites": yamls},
        "engine": {},
    }


def judge(place, **changes):
    fields = {
        "gate": str(place / "gate.yaml"),
        "candidate": str(place / "tiny_ac.pt"),
        "baseline": str(place / "tiny_res.pt"),
    }
    return Judge(**{**fields, **changes})


def runs_in(store):
    """The runs of a store that are not deleted, as (kind, key)."""
    with store.lock():
        client = store.client()
        ids = [e.experiment_id for e in client.search_experiments()]
        found = client.search_runs(ids)
    return sorted((r.data.tags["acn_eval.kind"], r.data.tags["acn_eval.key"]) for r in found)


@pytest.mark.slow
def test_a_gate_answers_with_its_verdict_and_again_changes_nothing(place, execute, mlflow_store):
    result, documents = execute(judge(place))
    assert result["verdict"] == "pass"
    assert (result["n"], result["alpha"], result["gate"]) == (352, 0.05, "toy")
    assert result["candidate"]["address"] == str(place / "tiny_ac.pt")
    keys = [result[side]["key"] for side in ("candidate", "baseline")]
    assert result["results"] == keys
    assert result["runs"].keys() == {*keys}
    verdict = json.loads(documents["verdict.json"])
    assert verdict["sentence"] == result["sentence"]
    assert "tiny_ac" in documents["report.html"]
    assert len([*(place / "results").iterdir()]) == 2
    once = runs_in(mlflow_store)
    assert [kind for kind, _ in once] == ["arm", "arm"]
    json.dumps(result, allow_nan=False)

    again, _ = execute(judge(place))
    elsewhere, _ = execute(judge(place), results="elsewhere")  # on another machine
    assert again == elsewhere == result
    assert runs_in(mlflow_store) == once


def test_a_candidate_that_cannot_be_read_is_refused_and_a_baseline_is_an_error(place, execute):
    from acn_eval.service.executing import Refused

    (place / "broken.pt").write_bytes(b"no network")
    with pytest.raises(Refused, match=r"broken\.pt: "):
        execute(judge(place, candidate=str(place / "broken.pt")))
    with pytest.raises(CheckpointError, match=r"broken\.pt: ") as caught:
        execute(judge(place, baseline=str(place / "broken.pt")))
    assert not isinstance(caught.value, Refused)
    both = Evaluate(suite=str(place / "small.yaml"), candidates=(str(place / "broken.pt"),))
    with pytest.raises(Refused):
        execute(both)
    for address in ("/etc/passwd", "models:/a,b/1"):
        with pytest.raises(Refused, match="of the service"):
            execute(judge(place, candidate=address))


@pytest.mark.slow
def test_the_look_of_a_profile_has_its_share_of_alpha(place, execute):
    strict, _ = execute(judge(place, look=3))
    assert strict["alpha"] == pytest.approx(0.05 / 12)
    assert strict["test_set"] == execute(judge(place))[0]["test_set"]


@pytest.mark.slow
def test_a_candidate_that_passes_is_judged_against_the_anchor_as_well(place, execute):
    anchored = judge(place, anchor=str(place / "tiny_ac.pt"))
    result, _ = execute(anchored)
    assert result["anchor"]["verdict"] == "pass"
    assert result["anchor"]["name"] == "tiny_ac"
    assert result["baseline"]["name"] == "tiny_res"
    strict = (place / "gate.yaml").read_text() + "floors: {clean: 0.999}\n"
    (place / "gate.yaml").write_text(strict)
    assert "anchor" not in execute(anchored)[0]


@pytest.mark.slow
def test_a_network_against_itself_passes_and_a_stored_run_is_a_baseline(place, execute):
    twin = shutil.copy(place / "tiny_ac.pt", place / "twin.pt")
    same, documents = execute(judge(place, baseline=str(twin)))
    assert (same["verdict"], len(same["results"])) == ("pass", 1)
    assert "tiny_ac" in documents["report.html"]
    run = same["runs"][same["candidate"]["key"]]
    stored, documents = execute(
        judge(place, candidate=str(place / "tiny_res.pt"), baseline=f"runs:/{run}")
    )
    assert stored["baseline"]["key"] == same["candidate"]["key"]
    assert stored["results"] == [stored["candidate"]["key"]]
    assert "tiny_ac" in documents["report.html"]


@pytest.fixture
def vit(place, mlflow_store):
    """A registered model whose first version, the champion, is residual; the second is not."""
    with mlflow_store.lock():
        client = mlflow_store.client()
    client.create_registered_model("vit")
    experiment = client.create_experiment("nets", str(place / "mlruns"))
    for name in ("tiny_res.pt", "tiny_ac.pt"):
        run = client.create_run(experiment).info.run_id
        client.log_artifact(run, str(place / name), "model")
        client.create_model_version("vit", f"runs:/{run}/model", run)
    client.set_registered_model_alias("vit", "champion", "1")
    return client


@pytest.mark.parametrize("candidate", [1, 2])
def test_files_that_are_away_make_no_version_refused(place, execute, vit, candidate):
    (place / "mlruns").rename(place / "elsewhere")
    (place / "mlruns").mkdir()  # as where a share is not mounted
    sides = {"candidate": f"models:/vit/{candidate}", "baseline": f"models:/vit/{3 - candidate}"}
    with pytest.raises(MeasureError, match=r"models:/vit/\d: must hold one .* got no files"):
        execute(judge(place, **sides))


@pytest.mark.slow
def test_an_alias_is_the_version_that_it_is_now(place, execute, vit):
    baseline = "models:/vit@champion"
    result, _ = execute(judge(place, candidate="models:/vit/2", baseline=baseline))
    assert (result["verdict"], result["baseline"]["address"]) == ("pass", "models:/vit/1")
    assert result["candidate"]["address"] == "models:/vit/2"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("baseline", "why"),
    [(None, "there is no baseline yet: "), ("models:/vit@champion", "it is itself the baseline")],
)
def test_without_a_baseline_it_is_measured_and_gets_no_verdict(place, execute, vit, baseline, why):
    asked = judge(place, candidate="models:/vit/1", baseline=baseline)
    result, documents = execute(asked)
    assert (result["verdict"], result["gate"]) == ("no_verdict", "toy")
    assert result["sentence"].startswith(f"No verdict: {why}")
    assert ". Measured on digits" in result["sentence"]
    assert result["test_set"] is None
    assert len(result["results"]) == len(result["runs"]) == 1
    assert "report.html" in documents
    assert execute(asked)[0] == result


@pytest.mark.slow
def test_a_suite_is_measured_compared_and_recorded(place, execute, mlflow_store):
    pair = (str(place / "tiny_ac.pt"),), (str(place / "tiny_res.pt"),)
    small = {"suite": str(place / "small.yaml"), "data": Data(limit=100)}
    result, documents = execute(Evaluate(candidates=pair[0], baselines=pair[1], **small))
    assert result["n"] == 100
    assert "tiny_ac and tiny_res" in result["sentence"]
    assert (len(result["results"]), len(result["runs"])) == (2, 3)
    assert result["test_set"]
    assert "tiny_res" in documents["report.html"]
    assert [kind for kind, _ in runs_in(mlflow_store)] == ["arm", "arm", "comparison"]
    alone, _ = execute(Evaluate(candidates=pair[0], baselines=(), **small))
    assert (alone["test_set"], alone["sentence"]) == (None, "Measured on digits, n = 100.")
    ranked, _ = execute(Evaluate(candidates=(*pair[0], *pair[1]), **small))
    assert "tiny_ac" in ranked["sentence"]


@pytest.mark.slow
def test_a_store_that_is_away_is_an_outage_after_the_measurement(place, execute, mlflow_store):
    database = mlflow_store.database
    database.unlink()
    database.mkdir()
    with pytest.raises((TrackingError, ConfigError)):
        execute(judge(place))
    database.rmdir()
    shutil.rmtree(place / "mlruns", ignore_errors=True)
    assert execute(judge(place))[0]["verdict"] == "pass"


def test_a_check_is_not_executed_here(execute):
    with pytest.raises(TypeError):
        execute(Check())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_machines_that_do_one_job_at_once_leave_one_run_per_result(place, mlflow_server):
    """As a worker that was taken for dead does, and the one that took its job."""
    code = (
        "import json, sys; from acn_eval.service.executing import execute;"
        "print(json.dumps(execute(json.load(sys.stdin), lambda done, total: None)[0]))"
    )
    (place / "small.yaml").write_text(SUITE.replace("name: small", "name: twice"))
    processes = []
    for machine in "ab":
        own = place / machine
        own.mkdir()
        job = given(place, own, judge(place), mlflow_server.uri, own / "results")
        (own / "job.json").write_text(json.dumps(job))
        with (own / "job.json").open() as stdin:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", code],
                    env=environment(own, XDG_CACHE_HOME=str(own), PYTHONPATH=str(ROOT)),
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                )
            )
    left, right = (json.loads(process.communicate(timeout=500)[0]) for process in processes)
    assert left["results"] == right["results"]
    found = runs_in(mlflow_server)
    assert sorted(key for _, key in found if key in left["results"]) == sorted(left["results"])
