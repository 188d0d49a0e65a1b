"""Results and comparisons in a real SQLite store."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import comparison_key
from acn_eval.stores import resolve_store
from acn_eval.tracking import preparing, record
from tests.fakes import fake_result, saved_pair
from tests.tracking.recorded import client_of, search

REPOSITORY = Path(__file__).parents[2]


ARMS, PAIR = {"ac_vit", "res_vit"}, {"ac_vit vs res_vit"}


def test_the_store_is_where_a_plain_mlflow_ui_looks(home):
    place, recorded, *_ = home
    assert recorded.store.uri == f"sqlite:///{place}/mlflow.db"
    run = client_of(recorded).get_run(next(iter(recorded.runs.values())))
    assert run.info.artifact_uri.startswith((place / "mlruns").as_uri())
    assert not list((place / "mlruns").rglob("meta.yaml"))


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

    from acn_eval.tracking.record import _serve

    here, there = Pipe()
    here.send(([fake_result()], [], {}))
    here.close()  # before the answer
    _serve(there, resolve_store(None, cwd=tmp_path))
    assert record([fake_result()], cwd=tmp_path).runs
