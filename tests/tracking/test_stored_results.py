"""Results that are recorded in MLflow: compared, reported, and with their report beside them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from acn_eval.statistics.comparison import comparison_key
from acn_eval.stores import resolve_store
from acn_eval.tracking import record
from tests.fakes import edited, saved_pair


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with a stored pair and an MLflow store of it; the runs by key."""
    home = tmp_path_factory.mktemp("recorded")
    results, comparisons, artifacts = saved_pair(home / "acn-results")
    runs = record(results, comparisons, cwd=home, artifacts=artifacts).runs
    return home, results, comparisons[0], runs


@pytest.fixture
def home(recorded, monkeypatch):
    monkeypatch.chdir(recorded[0])
    return recorded[0]


@pytest.fixture
def arms(recorded):
    _, results, _, runs = recorded
    return [f"runs:/{runs[result.key]}" for result in results]


@pytest.fixture
def run(recorded):
    """The id of the run of the comparison."""
    _, _, comparison, runs = recorded
    return runs[comparison_key(comparison)]


def test_runs_are_compared_as_their_folders_are(home, recorded, arms, call):
    code, out, _ = call("compare", *arms, "--json", "-")
    assert code == 0
    assert json.loads(out)["comparison"] == json.loads(json.dumps(recorded[2].to_dict()))


def test_a_run_that_is_not_there_or_not_ours_is_one_line_and_2(home, recorded, arms, refused):
    assert "must be in sqlite" in refused(2, "compare", arms[0], "runs:/" + "0" * 32)
    store = resolve_store(None, cwd=home)
    with store.lock():
        foreign = store.client().create_run("0").info.run_id
    assert "with comparison.json or a result; it has neither" in refused(
        2, "report", f"runs:/{foreign}"
    )
    assert "must be runs:/ID" in refused(2, "compare", "models:/vit@best", arms[0])


def test_runs_and_folders_are_ranked_together(home, recorded, arms, call, tmp_path):
    base = recorded[1][0]
    arch = {**base.checkpoint.arch, "depth": 3}
    third = replace(base, checkpoint=replace(base.checkpoint, name="third", arch=arch))
    code, out, _ = call("report", *arms, str(third.save(tmp_path)))
    assert (code, out) == (0, "Ranking of 3 networks: robustness: report.html\n")


def test_runs_are_reported_as_the_stored_comparison_is(home, arms, run, call):
    call("report", "--out", "stored.html")
    code, out, _ = call("report", f"runs:/{run}", "--out", "run.html")
    assert (code, out) == (0, "ac_vit against res_vit: robustness: run.html\n")
    call("report", *arms, "--out", "arms.html")
    pages = [(home / f"{name}.html").read_bytes() for name in ("stored", "run", "arms")]
    assert pages[0] == pages[1] == pages[2]


def test_a_report_is_attached_to_its_run_and_twice_changes_nothing(home, run, call):
    store = resolve_store(None, cwd=home)
    for _ in range(2):
        code, out, _ = call("report", "--attach", "--out", "night.html")
        assert code == 0
        assert f"run {run}, artifact report.html" in out
        with store.lock():
            client = store.client()
            held = [artifact.path for artifact in client.list_artifacts(run)]
            local = client.download_artifacts(run, "report.html", str(home / "acn-results"))
            metrics = client.get_metric_history(run, "diff_pp/primary")
        assert held.count("report.html") == 1
        assert Path(local).read_bytes() == (home / "night.html").read_bytes()
        assert len(metrics) == 1


def test_attaching_needs_a_record_but_the_page_is_there(home, tmp_path, recorded, call):
    results = recorded[1]
    folder = next((home / "acn-results").glob(f"*-{results[0].key}"))
    copy = tmp_path / "alone" / folder.name
    copy.mkdir(parents=True)
    for file in (folder / "result.json", *folder.glob("cells-*.parquet")):
        shutil.copy(file, copy)
    edited(copy, seed=7)
    code, _, err = call("report", copy, "--attach", "--out", tmp_path / "page.html")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "Record it with acn-eval upload." in err
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("result", {"certificate": {"n": "many"}}, "n: Input should be a valid integer"),
        ("result", {"certificate": {"batch_flips": {}}}, "batch_flips: Input should be"),
        ("result", {"skipped": [{"condition": {"level": "x"}, "reason": ""}]}, "level: must be"),
        ("result", {"suite": {"name": "robustness", "kind": "x"}}, "kind must be one of"),
        ("comparison", {"rows": []}, "rows: Tuple should have at least 1 item"),
    ],
)
def test_a_record_that_cannot_be_read_is_one_line_and_2(tmp_path, refused, file, change, said):
    saved_pair(tmp_path)
    for stored in tmp_path.glob(f"*/{file}.json"):
        if file == "result":
            edited(stored.parent, **change)
        else:
            stored.write_text(json.dumps({**json.loads(stored.read_text()), **change}))
    (folder,) = tmp_path.glob(f"{'compare' if file == 'comparison' else 'robustness-ac'}*")
    assert said in refused(2, "report", folder, "--out", tmp_path / "page.html")
