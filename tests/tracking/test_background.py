"""The process that records beside the evaluation."""

import os
import signal
import time

from acn_eval.tracking import preparing, record, resolve_store
from tests.fakes import fake_result, saved_pair


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
