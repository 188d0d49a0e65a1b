"""Results and comparisons in a real SQLite store."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from acn_eval.results import EvalResult
from acn_eval.statistics.comparison_io import comparison_key
from acn_eval.studies.compare import compare
from acn_eval.tracking import preparing, record, resolve_store
from tests.fakes import deep_result, fake_result, saved_pair

REPOSITORY = Path(__file__).parents[2]
ARMS, PAIR = {"ac_vit", "res_vit"}, {"ac_vit vs res_vit"}


@pytest.fixture(autouse=True)
def _no_address(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A store without runs: making one takes seconds."""
    store = resolve_store(None, cwd=tmp_path_factory.mktemp("empty"))
    with store.lock():
        store.client()
    return store.database


@pytest.fixture
def folder(empty, tmp_path):
    shutil.copy(empty, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder whose store holds two arms and their comparison; read it only."""
    folder = tmp_path_factory.mktemp("home")
    results, comparisons, artifacts = saved_pair(folder / "acn-results")
    recorded = record(results, comparisons, cwd=folder, artifacts=artifacts)
    client_of(recorded).set_tag(recorded.runs[results[1].key], "acn_eval.gate", "fail")
    return folder, recorded, results, comparisons


def client_of(recorded):
    from mlflow import MlflowClient

    return MlflowClient(recorded.store.uri, registry_uri=recorded.store.uri)


def search(recorded, condition):
    client = client_of(recorded)
    return client.search_runs(list(recorded.experiments.values()), condition)


def rows(folder):
    """Every row of every table."""
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(map(str, database.execute(f"SELECT * FROM {name}"))) for (name,) in tables
        }


def test_the_store_is_where_a_plain_mlflow_ui_looks(home):
    place, recorded, *_ = home
    assert recorded.store.uri == f"sqlite:///{place}/mlflow.db"
    run = client_of(recorded).get_run(next(iter(recorded.runs.values())))
    assert run.info.artifact_uri.startswith((place / "mlruns").as_uri())
    assert not list((place / "mlruns").rglob("meta.yaml"))


def test_a_curve_starts_at_clean_and_steps_are_levels_in_thousandths(home):
    _, recorded, results, _ = home
    run = recorded.runs[results[0].key]
    history = client_of(recorded).get_metric_history(run, "acc/gaussian")
    assert [point.step for point in history] == [0, 100, 200, 400]
    means = [100 * cell.values.mean() for cell in results[0].cells[:4]]
    np.testing.assert_allclose([point.value for point in history], means, rtol=1e-6)
    assert {point.timestamp for point in history} == {results[0].created_ms}


def test_means_are_keys_of_their_own_in_points(home):
    _, recorded, results, _ = home
    metrics = client_of(recorded).get_run(recorded.runs[results[0].key]).data.metrics
    cells = [100 * cell.values.mean() for cell in results[0].cells]
    assert metrics["acc/clean"] == pytest.approx(cells[0])
    assert metrics["mean/gaussian"] == pytest.approx(np.mean(cells[1:4]))
    assert metrics["mean/salt_and_pepper"] == pytest.approx(np.mean(cells[4:]))
    assert metrics["mean/corrupted"] == pytest.approx(np.mean(cells[1:]))


def test_normalised_noise_has_keys_of_its_own(folder):
    recorded = record([fake_result(space="normalized")], cwd=folder)
    metrics = search(recorded, "")[0].data.metrics
    assert {"acc/gaussian_normalized", "mean/gaussian_normalized", "acc/clean"} < set(metrics)
    assert "acc/gaussian" not in metrics


def test_of_several_exits_the_last_is_drawn(folder):
    result = fake_result()

    def at(number, cell):
        values = cell.values if number == 8 else np.zeros_like(cell.values)
        return replace(cell, condition={**cell.condition, "exit": number}, values=values)

    cells = tuple(at(number, cell) for number in (4, 8) for cell in result.cells)
    suite = {**result.suite, "kind": "compression"}
    recorded = record([replace(result, cells=cells, suite=suite)], cwd=folder)
    metrics = search(recorded, "")[0].data.metrics
    assert metrics["acc/clean"] == pytest.approx(100 * result.cells[0].values.mean())


def test_a_comparison_says_everything_and_links_its_arms(home):
    _, recorded, results, (comparison,) = home
    (run,) = search(recorded, "tags.acn_eval.kind = 'comparison'")
    row, primary = comparison.rows[3], comparison.primary
    assert run.data.metrics["diff_pp/gaussian"] == pytest.approx(100 * row.difference.value)
    assert run.data.metrics["p_holm/gaussian"] == pytest.approx(row.p_holm)
    assert run.data.metrics["mde_pp/primary"] == pytest.approx(100 * primary.mde)
    assert run.data.metrics["ci_low_pp/primary"] == pytest.approx(100 * primary.difference.low)
    assert run.data.metrics["ci_high_pp/primary"] == pytest.approx(100 * primary.difference.high)
    tags = run.data.tags
    assert tags["acn_eval.verdict"] == comparison.claim.verdict
    assert tags["acn_eval.candidate_runs"] == recorded.runs[results[0].key]
    assert tags["acn_eval.baseline_runs"] == recorded.runs[results[1].key]
    assert comparison.claim.sentence in tags["mlflow.note.content"]
    assert "| gaussian 0.4&nbsp; |" in tags["mlflow.note.content"]
    assert f"/runs/{recorded.runs[results[0].key]}" in tags["mlflow.note.content"]
    assert "mlflow.parentRunId" not in tags


def test_a_comparison_finds_arms_that_were_recorded_before(folder):
    results, comparisons, _ = saved_pair(folder / "results")
    arms = record(results, cwd=folder)
    recorded = record([], comparisons, cwd=folder)
    (run,) = search(recorded, "tags.acn_eval.kind = 'comparison'")
    assert run.data.tags["acn_eval.candidate_runs"] == arms.runs[results[0].key]


def test_artifacts_can_be_read_back(home, tmp_path):
    _, recorded, results, (comparison,) = home
    client = client_of(recorded)
    path = client.download_artifacts(recorded.runs[results[0].key], "", str(tmp_path))
    assert EvalResult.load(Path(path)).key == results[0].key
    assert "gaussian 0.1,360," in (Path(path) / "accuracy.csv").read_text()
    files = client.list_artifacts(recorded.runs[comparison_key(comparison)])
    assert {file.path for file in files} == {"comparison.json", "table.md"}


SEARCHES = {
    "tags.acn_eval.kind = 'arm' AND tags.acn_eval.connectivity = 'acn'": {"ac_vit"},
    "tags.acn_eval.kind = 'arm' AND metrics.`mean/corrupted` > 83": {"ac_vit"},
    "tags.acn_eval.kind = 'arm' AND tags.acn_eval.depth = '8'": ARMS,
    "tags.acn_eval.kind = 'comparison' AND tags.acn_eval.verdict = 'better'": PAIR,
    "tags.acn_eval.kind = 'comparison' AND tags.acn_eval.verdict != 'undecided'": PAIR,
    "tags.acn_eval.kind = 'comparison' AND tags.acn_eval.unit = 'checkpoints'": PAIR,
    "tags.acn_eval.data = 'digits' AND tags.acn_eval.suite = 'robustness'": ARMS | PAIR,
    "tags.acn_eval.gate = 'fail'": {"res_vit"},
    "tags.acn_eval.skipped != '0'": ARMS,
    "tags.acn_eval.sha256 LIKE '61635f%'": {"ac_vit"},
    "dataset.name = 'digits test' AND params.precision = 'fp32'": ARMS,
    "metrics.`ci_low_pp/primary` > 0": PAIR,
}


def test_searches_are_those_of_the_documentation():
    text = (REPOSITORY / "docs" / "mlflow.md").read_text()
    section = text.partition("## Searches that work")[2].partition("\n## ")[0]
    found = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    assert found == list(SEARCHES)


@pytest.mark.parametrize("condition", SEARCHES)
def test_searches_of_the_documentation(home, condition):
    found = {run.info.run_name for run in search(home[1], condition)}
    assert found == SEARCHES[condition]


def test_the_network_is_a_model_with_metrics_and_the_data_an_input(home):
    _, recorded, results, _ = home
    client = client_of(recorded)
    models = client.search_logged_models(list(recorded.experiments.values()))
    assert {model.name: str(model.status) for model in models} == {
        "ac_vit": "READY",
        "res_vit": "READY",
    }
    assert {metric.key for metric in models[0].metrics} >= {"acc/clean", "mean/corrupted"}
    inputs = client.get_run(recorded.runs[results[0].key]).inputs
    assert inputs.dataset_inputs[0].dataset.digest == results[0].data.fingerprint[:36]
    assert len(inputs.model_inputs) == 1


def test_recording_three_times_leaves_the_same_rows(folder):
    results, comparisons, artifacts = saved_pair(folder / "results")
    seen = []
    for _ in range(3):
        record(results, comparisons, cwd=folder, artifacts=artifacts)
        seen.append(rows(folder))
    assert seen[0]["metrics"]
    assert seen[0] == seen[1] == seen[2]


def test_an_unfinished_run_is_completed_not_doubled(folder):
    result = fake_result()
    recorded = record([result], cwd=folder)
    with closing(sqlite3.connect(folder / "mlflow.db")) as database, database:
        database.execute("DELETE FROM metrics")
        database.execute("DELETE FROM latest_metrics")
        database.execute("UPDATE runs SET status = 'RUNNING'")
    again = record([result], cwd=folder)
    assert again.runs == recorded.runs
    (run,) = search(recorded, "")
    assert run.info.status == "FINISHED"
    assert "mean/corrupted" in run.data.metrics


def test_a_later_measurement_with_the_same_answer_is_the_same_run(folder):
    record([fake_result(created_ms=1_790_000_000_000)], cwd=folder)
    before = rows(folder)
    record([fake_result(created_ms=1_790_000_099_000)], cwd=folder)
    assert rows(folder) == before


def test_another_answer_to_the_same_question_is_another_run(folder):
    result = fake_result()
    record([result], cwd=folder)
    other = replace(result.cells[1], values=1 - result.cells[1].values)
    changed = replace(result, cells=(result.cells[0], other, *result.cells[2:]))
    assert changed.key == result.key
    recorded = record([changed], cwd=folder)
    assert len(search(recorded, f"tags.acn_eval.key = '{result.key}'")) == 2


def test_a_copy_of_a_checkpoint_under_another_name_is_the_same_run(folder):
    result = fake_result()
    record([result], cwd=folder)
    copy = replace(result.checkpoint, name="copy", uri="copy.pt", training={"steps": 1})
    recorded = record([replace(result, checkpoint=copy)], cwd=folder)
    assert len(search(recorded, "")) == 1


def test_the_background_process_records_and_is_gone_afterwards(tmp_path):
    results, comparisons, artifacts = saved_pair(tmp_path / "results")
    with preparing(resolve_store(None, cwd=tmp_path)) as recorder:
        first = recorder.record(results, comparisons, artifacts=artifacts)
        assert recorder.record(results, comparisons, artifacts=artifacts).runs == first.runs
    assert record(results, comparisons, cwd=tmp_path, artifacts=artifacts).runs == first.runs


def test_leaving_early_leaves_a_whole_store_or_none(tmp_path):
    with preparing(resolve_store(None, cwd=tmp_path)):
        pass
    assert not (tmp_path / "mlflow.db").exists()


def test_half_a_database_of_a_kill_goes_and_files_of_others_stay(tmp_path):
    """Also those whose names are much like the store's: `mlflow.db.lock` is emptied by a lock."""
    half = [tmp_path / f".acn-eval-{'0' * 32}.part{end}" for end in ("", "-wal", "-shm")]
    others = [tmp_path / f"mlflow.db.{end}" for end in ("part", "partial.bak", "lock")]
    for file in (*half, *others):
        file.write_text("half")
        os.utime(file, (1000, 1000))
    assert record([fake_result()], cwd=tmp_path).runs
    assert [file for file in (*half, *others) if file.exists()] == others
    assert {file.read_text() for file in others} == {"half"}
    assert {file.stat().st_mtime for file in others} == {1000}


def test_if_the_background_process_dies_this_one_records(tmp_path):
    import multiprocessing

    with preparing(resolve_store(None, cwd=tmp_path)) as recorder:
        multiprocessing.active_children()[0].kill()
        assert recorder.record([fake_result()]).runs


def test_ctrl_c_is_nothing_to_the_background_process_even_while_it_starts(tmp_path, capfd):
    import multiprocessing

    with preparing(resolve_store(None, cwd=tmp_path)) as recorder:
        (child,) = multiprocessing.active_children()
        for _ in range(20):  # first into the interpreter's start, then into imports
            os.kill(child.pid, signal.SIGINT)
            time.sleep(0.02)
        assert recorder.record([fake_result()]).runs
        assert child.is_alive()
    assert capfd.readouterr().err == ""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_background_process_outlives_a_killed_parent_in_silence(tmp_path):
    from multiprocessing import Pipe

    from acn_eval.tracking.background import _serve

    here, there = Pipe()
    here.send(([fake_result()], [], {}))
    here.close()  # before the answer
    _serve(there, resolve_store(None, cwd=tmp_path))
    assert record([fake_result()], cwd=tmp_path).runs


def test_recording_never_looks_up_telemetry():
    code = (
        "import os, socket, sys, tempfile; from pathlib import Path\n"
        "os.environ.pop('CI', None); os.environ.pop('MLFLOW_DISABLE_TELEMETRY', None)\n"
        "from tests.fakes import fake_result; from acn_eval.tracking import record\n"
        "asked = []\n"
        "def refuse(host, *rest, **options): asked.append(host); raise OSError(host)\n"
        "socket.getaddrinfo = refuse\n"
        "with tempfile.TemporaryDirectory() as home:\n"
        "    os.environ['HOME'] = os.environ['XDG_CONFIG_HOME'] = home\n"
        "    record([fake_result()], cwd=Path(home))\n"
        "    assert not asked, asked\n"
        "    assert not list(Path(home).rglob('telemetry*'))\n"
        "from mlflow.telemetry.client import get_telemetry_client\n"
        "assert get_telemetry_client() is None\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, env={**os.environ})


# Depth ---------------------------------------------------------------------------------------


def test_recording_a_run_of_many_metrics_again_changes_nothing(folder):
    """MLflow forgets what it knows of more than a hundred in one batch, where a model is."""
    result = deep_result()
    first = record([result], cwd=folder)
    run = first.runs[result.key]
    before = rows(folder)
    assert len(before["metrics"]) > 100
    record([result], cwd=folder)
    assert rows(folder) == before
    history = client_of(first).get_metric_history(run, "acc/gaussian_0.4")
    assert [point.step for point in history] == list(range(17))
    cells = [c for c in result.cells if c.condition["level"] == 0.4]
    means = [100 * cell.values.mean() for cell in cells]
    np.testing.assert_allclose([point.value for point in history], means, rtol=1e-6)


def test_a_chart_is_drawn_against_its_own_places(folder):
    result = deep_result(depth=4)
    recorded = record([result], cwd=folder)
    client, run = client_of(recorded), recorded.runs[result.key]
    keys = [k for k in client.get_run(run).data.metrics if k.endswith("/cut")]
    (key,) = keys
    history = client.get_metric_history(run, key)
    assert [(p.step, p.value) for p in history] == [(100 * k, 25.0 * k) for k in range(5)]


@pytest.mark.parametrize("depth", [4, 40])
def test_descriptions_fit_into_a_tag_and_tables_into_a_page(folder, depth):
    results = [deep_result(name, depth) for name in ("ac_vit", "res_vit")]
    comparison = compare(results[:1], results[1:])
    recorded = record(results, [comparison], cwd=folder)
    for run in search(recorded, ""):
        text = run.data.tags["mlflow.note.content"]
        assert len(text) <= 8000
        assert "exit 4" in text
    (run,) = search(recorded, "tags.acn_eval.kind = 'comparison'")
    assert comparison.claim.sentence in run.data.tags["mlflow.note.content"]
    if depth == 40:
        assert "246 rows under corruption" in run.data.tags["mlflow.note.content"]
