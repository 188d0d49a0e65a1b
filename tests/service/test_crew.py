"""Worker processes: who dies is replaced, and nobody outlives the server."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from acn_eval.service.crew import Crew

WAITS = "import sys; sys.stdin.read()"
STUBBORN = (
    "import signal, sys; signal.signal(15, signal.SIG_IGN); open({!r}, 'w'); sys.stdin.read()"
)
SERVER = """
import os, sys, time
from acn_eval.service.crew import Crew
crew = Crew([sys.executable, "-c", sys.argv[1]], os.environ, 2, print)
crew.look(time.monotonic())
print(*crew.alive, flush=True)
time.sleep(600)
"""


@pytest.fixture
def crew():
    made = []

    def make(code, size=1):
        said = []
        made.append(Crew([sys.executable, "-S", "-c", code], os.environ, size, said.append))
        return made[-1], said

    yield make
    for own in made:
        own.kill()


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_one_that_dies_is_replaced_after_a_pause_that_doubles(crew):
    own, said = crew(WAITS, size=2)
    own.look(0.0)
    first, other = own.alive
    os.kill(first, signal.SIGKILL)
    until(lambda: own.alive == [other])
    own.look(10.0)
    assert said == [f"worker {first} ended with exit code -9; another one starts in 1 s"]
    own.look(10.9)
    assert own.alive == [other]
    own.look(11.0)
    second = own.alive[0]
    assert second not in {first, other}
    os.kill(second, signal.SIGKILL)
    until(lambda: own.alive == [other])
    own.look(12.0)
    assert said[-1].endswith("starts in 2 s")


def test_the_pause_is_short_again_after_a_worker_that_ran_for_long(crew):
    own, said = crew("")
    for now in (0.0, 1.0, 3.0):
        own.look(now)
        until(lambda: not own.alive)
        own.look(now)
    assert [line.rpartition(" in ")[2] for line in said] == ["1 s", "2 s", "4 s"]
    own.look(7.0)
    until(lambda: not own.alive)
    own.look(100.0)
    assert said[-1].endswith("starts in 1 s")


def test_draining_asks_first(crew):
    own, _ = crew(WAITS, size=2)
    own.look(0.0)
    begun = time.monotonic()
    own.drain(20)
    assert own.alive == []
    assert time.monotonic() - begun < 10


def test_draining_ends_those_that_do_not_hear(tmp_path, crew):
    ready = tmp_path / "ready"
    own, _ = crew(STUBBORN.format(str(ready)))
    own.look(0.0)
    (pid,) = own.alive
    until(ready.exists)
    own.drain(0.2)
    assert own.alive == []
    assert not psutil.pid_exists(pid)


def test_workers_of_a_server_that_is_killed_hear_of_it():
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, WAITS], stdout=subprocess.PIPE, text=True
    )
    with server:
        pids = [int(pid) for pid in server.stdout.readline().split()]
        server.kill()
    assert len(pids) == 2
    until(lambda: not any(map(running, pids)))


def running(pid):
    """Whether a process runs; one that nobody waits for may be left as a zombie."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
