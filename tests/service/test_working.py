"""The process of a worker, as a server starts it."""

import os
import subprocess
import sys

import pytest

from acn_eval.errors import ConfigError
from acn_eval.service.working import _environment, work
from tests.service.workers import check, in_state


def started(service, *options, **streams):
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "acn_eval", "worker", f"--home={service.home}", *options],
        env={**os.environ, "MLFLOW_TRACKING_URI": service.store.uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **streams,
    )


@pytest.mark.slow
def test_it_ends_with_the_server_that_started_it(service):
    number = check(service)
    process = started(service, "--name", "ours", stdin=subprocess.PIPE)
    in_state(service, number, "done")
    out, errors = process.communicate(timeout=60)  # closes its stdin
    assert (process.returncode, errors) == (0, "")
    first, done, last = out.splitlines()
    assert first == f"worker ours: takes jobs of sqlite:///{service.home}/service.db"
    assert done.startswith(f"job {number}: done: The worker did 1 step. after ")
    assert last == "worker ours: has ended"


@pytest.mark.slow
def test_it_goes_on_where_there_was_no_server(service):
    process = started(service, stdin=subprocess.DEVNULL)
    in_state(service, check(service, "1"), "done")
    in_state(service, check(service, "2"), "done")
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.parametrize("name", ["n" * 201, "a\nb", "\udcff"])
def test_a_name_that_the_tables_do_not_hold_is_refused(service, name):
    with pytest.raises(ConfigError, match=r"^`name`: must be at most 200 printable characters"):
        work(service, print, name=name)


def test_jobs_inherit_absolute_paths_and_their_number_of_threads(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACN_EVAL_CACHE", "kept")
    monkeypatch.delenv("ACN_EVAL_DATA", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = _environment(None)
    assert found["ACN_EVAL_CACHE"] == str(tmp_path / "kept")
    assert found["ACN_EVAL_DATA"] == str(tmp_path / "data")
    assert found["OMP_NUM_THREADS"] == "7"
    assert _environment(2)["OMP_NUM_THREADS"] == "2"
