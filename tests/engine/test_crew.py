"""Workers start for tasks, are what they say, and none idles while another has two."""

import os
import re
import resource

import pytest
import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.crew import Crew, Job
from acn_eval.engine.processes import Processes
from acn_eval.errors import ConfigError, MeasureError
from acn_eval.reach import confined
from tests.engine.tasks import (
    Counting,
    Reading,
    Table,
    Upper,
    Waiting,
    silent,
)

CPU = torch.device("cpu")
TWO = EngineChoice("processes", 2)
IDLE = """
import os, sys
while os.read(int(sys.argv[1]), 1000):
    pass
os._exit(5)
"""


def test_no_worker_starts_before_there_is_a_task():
    crew = Crew([{}, {}], "cpu")
    assert crew.has_room
    assert not crew.busy
    assert crew.fits
    with confined(Upper()):
        assert not crew.fits
    folder = crew._folder
    assert folder.stat().st_mode & 0o777 == 0o700
    crew.end()
    assert not crew.fits
    assert not folder.exists()


def test_what_many_tasks_share_lies_in_the_folder_once():
    crew = Crew([{}], "cpu")
    table = Table(bytes(1000))
    assert all(len(crew.pack(Reading(table))) < 1000 for _ in range(3))
    assert sum(path.stat().st_size > 1000 for path in crew._folder.iterdir()) == 1
    crew.end()


def test_a_folder_that_is_full_is_named_with_its_remedy():
    crew = Crew([{}], "cpu")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(MeasureError) as caught:
            crew.pack(Reading(Table(bytes(10_000))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = rf"{crew._folder}: must take what workers share, 10\d+ bytes; got File .* TMPDIR .*"
    assert re.fullmatch(said, str(caught.value))
    crew.end()


def test_a_worker_is_lost_when_it_ends_whatever_it_has_forked(monkeypatch):
    forks = "import os, time; os.fork() or time.sleep(60); os._exit(3)"
    monkeypatch.setattr("acn_eval.engine.crew._START", forks)
    crew, heard = Crew([{}], "cpu"), []
    crew.give(Job(0, "a task", b""))
    while not heard:
        heard = [message for _, message in crew.heard()]
    assert heard == [("lost", "ended with 3")]
    assert not crew.busy
    crew.end()


def test_a_task_that_comes_back_is_the_one_that_was_asked_for(monkeypatch):
    """It may come after the end of the first task, and after another one was given."""
    monkeypatch.setattr("acn_eval.engine.crew._START", IDLE)
    crew, jobs = Crew([{}], "cpu"), [Job(number, "a task", b"") for number in range(3)]
    crew.give(jobs[0])
    crew.give(jobs[1])
    (worker,) = crew._workers
    worker.ask_back()
    worker.done()
    crew.give(jobs[2])
    assert worker.given_back(1) is jobs[1]
    assert list(worker.jobs) == [jobs[2]]
    crew.end()


def test_what_this_process_forks_leaves_the_workers_alone(monkeypatch):
    """It neither ends them nor holds their connections."""
    monkeypatch.setattr("acn_eval.engine.crew._START", IDLE)
    crew = Crew([{}], "cpu")
    crew.give(Job(0, "a task", b""))
    (worker,) = crew._workers
    told, tell = os.pipe()
    if (forked := os.fork()) == 0:
        crew.stop()
        crew.end()
        os.close(tell)
        os._exit(bool(os.read(told, 1)) or crew.fits)
    os.close(told)
    worker.connection.close()
    assert worker._process.wait(60) == 5
    assert crew.fits
    assert crew._folder.exists()
    os.close(tell)
    assert os.waitpid(forked, 0)[1] == 0
    crew.end()


@pytest.mark.slow
def test_an_idle_worker_gets_what_another_has_not_begun(tmp_path):
    """The last tasks do not wait for each other: one that is free does what lies elsewhere."""
    tasks, begun = [Waiting(tmp_path, "a"), Counting(0), Waiting(tmp_path, "b")], set()
    with Processes(TWO, CPU) as engine:
        for _ in engine.run(tasks, silent):
            begun |= {path.name[0] for path in tmp_path.iterdir()}
            if begun == {"a", "b"}:
                (tmp_path / "go").touch()
    assert begun >= {"a", "b"}


@pytest.mark.slow
def test_a_worker_that_does_not_start_says_so(monkeypatch, capfd):
    monkeypatch.setattr("acn_eval.engine.crew._START", "import sys; sys.exit('no such thing')")
    with (
        Processes(TWO, CPU) as engine,
        pytest.raises(MeasureError, match=r"^worker: must start; it ended with 1"),
    ):
        list(engine.run([Counting(1)], silent))
    out, err = capfd.readouterr()
    assert (out, err) == ("", "no such thing\n" * err.count("\n"))


@pytest.mark.slow
@pytest.mark.parametrize("allowed", [False, True])
def test_another_environment_is_refused_or_said(monkeypatch, allowed):
    code = "import acn_eval.engine.environment as e; e.version = lambda name: '0.1'; "
    monkeypatch.setattr(
        "acn_eval.engine.crew._START",
        "import sys; sys.path[:] = sys.argv[2:]; "
        + code
        + "from acn_eval.engine.worker import main; main()",
    )
    engine = Processes(EngineChoice("processes", 1, allow_mixed=allowed), CPU)
    with engine:
        if allowed:
            found = list(engine.run([Counting(1)], silent))
            assert {own.alike for own in found} == {False}
            assert any(re.fullmatch(r"torch 0\.1, not .*", own) for own in engine.mixed)
        else:
            with pytest.raises(ConfigError, match=r"torch 0\.1, not "):
                list(engine.run([Counting(1)], silent))
