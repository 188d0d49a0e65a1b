"""A process takes one job, is heard, and leaves nothing behind."""

import os

import pytest

from acn_eval.service.process import Child, Log, passed_on
from tests.service.workers import runs, until

SLOW = {"check": {"steps": 1, "seconds": 600}}


@pytest.fixture
def child(tmp_path):
    started = Child(os.environ, tmp_path, warm=False)
    yield started
    if started.folder.exists():
        started.close()


@pytest.mark.parametrize("uri", ["sqlite:////lab/mlflow.db", "postgresql://lab/mlflow"])
def test_it_knows_no_secret_of_the_service(uri):
    told = {"PGPASSWORD": "a", "PGHOST": "lab", "ACN_EVAL_DATABASE": "postgresql://b"}
    kept = {"PATH": "/bin", "MLFLOW_TRACKING_PASSWORD": "c"}
    own = {"PGPASSWORD": "a", "PGHOST": "lab"} if uri.startswith("postgresql") else {}
    assert passed_on(told | kept, uri) == kept | own


def heard(child):
    """Everything that a process reports until it is silent."""
    messages = []
    while (found := child.hear(10)) is not None:
        messages += found
    return messages


def test_it_reports_progress_and_a_result_and_its_folder_goes_with_it(child, tmp_path):
    child.give({"check": {"steps": 2, "seconds": 0}}, tmp_path / "log")
    *progress, answer = heard(child)
    assert progress[-1] == {"progress": [2, 2]}
    assert answer == {"result": {"sentence": "The worker did 2 steps."}, "documents": []}
    assert (child.end(5), child.folder.is_dir()) == (0, True)
    child.close()
    assert not child.folder.exists()


def test_it_ends_when_it_is_stopped_and_says_nothing_more(child, tmp_path):
    child.give(SLOW, tmp_path / "log")
    assert child.alive
    assert child.end() == -9
    assert not runs(child.pid)
    assert heard(child) == []


def test_what_it_prints_is_its_log_without_colours_and_secrets(child, tmp_path):
    child.give({"check": {}}, tmp_path / "log")
    assert heard(child) == []
    assert child.end(5) == 1
    assert child.last_line.startswith("KeyError: ")
    child.close()
    assert "Traceback" in (tmp_path / "log").read_text()


def test_a_log_has_a_limit_and_its_last_lines_are_known(tmp_path):
    log = Log(tmp_path / "log")
    log.write(b"\x1b[31mred http://me:secret@host/\n")
    for number in range(3000):
        log.write(f"{number} {'x' * 1000}\n".encode())
    log.write(b"the end")
    log.close()
    text = (tmp_path / "log").read_text()
    assert text.startswith("\\x1b[31mred http://host/\n0 x")
    assert len(text) < (1 << 20) + 2000
    assert log.last_line == "the end"
    endless = Log(tmp_path / "endless")
    endless.write(b"x" * 200_000)
    endless.close()
    assert (tmp_path / "endless").stat().st_size < 10_000


def test_messages_that_are_too_long_or_no_json_end_it(child, monkeypatch, tmp_path):
    monkeypatch.setattr("acn_eval.service.process._LINE", 10)
    child.give({"check": {"steps": 1, "seconds": 0}}, tmp_path / "log")
    child._part = b"x" * 20
    with pytest.raises(ValueError, match=r"more than 10 bytes|Expecting"):
        heard(child)


def test_a_process_that_has_died_takes_no_job_and_is_heard_to_be_dead(child, tmp_path):
    os.kill(child.pid, 9)
    until(lambda: not child.alive)
    child.give(SLOW, tmp_path / "log")
    assert heard(child) == []
    assert child.end() == -9
