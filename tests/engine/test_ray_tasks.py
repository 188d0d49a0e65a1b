"""Tasks on a real local Ray: what they yield, and what becomes of them at every end."""

import os
import re
import signal
import subprocess
import sys
import threading

import psutil
import pytest
import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.ray_tasks import RayTasks
from acn_eval.engine.start import engine_of
from acn_eval.errors import ConfigError, MeasureError, MissingExtra
from acn_eval.reach import confined
from tests.engine.tasks import (
    Counting,
    Dying,
    Failing,
    Missing,
    Opening,
    Reading,
    Table,
    Upper,
    Waiting,
    alive,
    by_task,
    silent,
    wait_for,
)

CPU = torch.device("cpu")
TWO = EngineChoice("ray", 2)


@pytest.fixture(scope="module")
def two():
    with RayTasks(TWO, CPU) as engine:
        yield engine


@pytest.fixture
def own():
    with RayTasks(TWO, CPU) as engine:
        yield engine


def ours():
    """Processes below this one."""
    return set(psutil.Process().children(recursive=True))


def test_it_starts_nothing_until_there_is_a_task():
    with engine_of(TWO, CPU) as engine:
        assert engine.slots == 2
        assert engine.mixed == ()
    assert engine_of(EngineChoice("ray", threads=1), CPU).slots == len(os.sched_getaffinity(0))


def test_without_ray_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr("acn_eval.engine.choice.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"the engine ray: .* 'acn-eval\[ray\]'"):
        engine_of(TWO, CPU)


@pytest.mark.slow
def test_every_task_yields_in_its_order_elsewhere(two):
    items = by_task(two.run([Counting(n) for n in range(12)], silent))
    assert {n: own[1:] for n, own in items.items()} == {n: [*range(n)] for n in range(12)}
    workers = {own[0] for own in items.values()}
    assert os.getpid() not in workers
    again = by_task(two.run([Counting(0)] * 4, silent))
    assert {own[0] for own in again.values()} <= workers
    assert two.mixed == ()
    assert list(two.run([], silent)) == []


@pytest.mark.slow
def test_tasks_are_taken_when_there_is_room(two):
    taken = []

    def tasks():
        for n in range(20):
            taken.append(n)
            yield Counting(0)

    for done, _ in enumerate(two.run(tasks(), silent)):
        assert len(taken) <= done + 2 * two.slots
    assert len(taken) == 20


@pytest.mark.slow
def test_work_is_shown_by_the_number_of_its_task(two):
    shown = []
    list(two.run([Counting(3), Counting(5)], lambda *own: shown.append(own)))
    assert (1, 4, 4) in shown


@pytest.mark.slow
def test_a_part_is_read_once_by_a_worker(two):
    table = Table(bytes(10**6))
    items = [own[0] for own in by_task(two.run([Reading(table)] * 10, silent)).values()]
    assert {size for *_, size in items} == {10**6}
    assert len({(pid, where) for pid, where, _ in items}) == len({pid for pid, *_ in items})


@pytest.mark.slow
def test_errors_are_raised_here(two):
    with pytest.raises(MissingExtra, match=r"acn-eval\[timm\]"):
        list(two.run([Missing(), Counting(3)], silent))
    with pytest.raises(KeyError) as caught:
        list(two.run([Failing(KeyError("nothing"))], silent))
    assert re.search(r"In a worker:.*raise self\.error", caught.value.__notes__[0], re.DOTALL)
    with pytest.raises(ConfigError, match="`engine`: must be local for what no other"):
        list(two.run([Failing(threading.Lock())], silent))
    assert by_task(two.run([Counting(1)], silent))[0][1:] == [0]


@pytest.mark.slow
def test_a_share_that_does_not_answer_is_tried_again(two):
    found = two.run([Failing(ConnectionError("no share"))], silent)
    assert [next(found).item for _ in range(3)] == [1, 1, 1]
    with pytest.raises(ConnectionError, match="no share"):
        next(found)


@pytest.mark.slow
def test_rules_hold_in_workers(two):
    with confined(Upper()):
        assert by_task(two.run([Opening("x")], silent)) == {0: ["X"]}
    assert by_task(two.run([Opening("x")], silent)) == {0: ["x"]}


@pytest.mark.slow
def test_the_task_of_a_lost_worker_is_run_again(two, tmp_path):
    items = by_task(two.run([Dying(tmp_path, 2), *[Counting(1)] * 6], silent))
    *first, last = items.pop(0)  # what was yielded just before the end may be lost
    assert set(first) == {"first"}
    assert last == "second"
    assert len(list(tmp_path.iterdir())) == 2
    assert all(found[1:] == [0] for found in items.values())
    assert len(items) == 6


@pytest.mark.slow
def test_a_task_that_ends_three_workers_ends_the_run(two, tmp_path):
    with pytest.raises(MeasureError, match=r"^a task that dies: must end; 3 workers were lost"):
        list(two.run([Dying(tmp_path, 99)], silent))
    assert len(list(tmp_path.iterdir())) == 3
    assert by_task(two.run([Counting(1)], silent))[0][1:] == [0]


@pytest.mark.slow
def test_tasks_end_where_the_iterator_is_closed(two, tmp_path):
    found = two.run([Waiting(tmp_path, "a"), Waiting(tmp_path, "b")], silent)
    pids = [next(found).item, next(found).item]
    found.close()
    wait_for(lambda: not any(map(alive, pids)))
    assert by_task(two.run([Counting(1)], silent))[0][1:] == [0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["raylet", "gcs_server"])
def test_a_cluster_that_is_lost_is_one_line(own, name):
    before = ours()
    found = own.run([Counting(3)] * 10**6, silent)
    next(found)
    (lost,) = (process for process in ours() - before if name in process.name())
    lost.kill()
    with pytest.raises(MeasureError, match=r"^ray: the cluster must answer until all is measured"):
        list(found)
    own.__exit__()
    assert ours() <= before
    assert by_task(own.run([Counting(1)], silent))[0][1:] == [0]


DRIVER = """
import os, signal, sys
from pathlib import Path
import torch
from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.ray_tasks import RayTasks
from tests.engine.tasks import Waiting
with RayTasks(EngineChoice("ray", 1), torch.device("cpu")) as engine:
    for own in engine.run([Waiting(Path(sys.argv[1]), "a")], print):
        print("runs", flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_a_driver_that_ends_leaves_nothing(tmp_path, number):
    command = [sys.executable, "-c", DRIVER, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as driver:
        assert driver.stdout.readline() == b"runs\n"
        left = psutil.Process(driver.pid).children(recursive=True)
        assert len(left) > 4
        driver.send_signal(number)
        _, said = driver.communicate()
    wait_for(lambda: not any(map(alive, (own.pid for own in left))))
    assert (b"KeyboardInterrupt" in said) == (number == signal.SIGINT)
    assert b"ray::" not in said


@pytest.mark.slow
def test_a_worker_with_another_environment_is_refused(monkeypatch):
    torch.backends.cpu.get_cpu_capability()  # torch asks the variable once
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "DEFAULT\n"
    before = ours()
    with RayTasks(TWO, CPU) as engine, pytest.raises(ConfigError) as caught:
        list(engine.run([Counting(1)], silent))
    assert re.search(r"must be like this machine; got hardware DEFAULT.*, not ", str(caught.value))
    assert caught.value.in_options.endswith("--allow-mixed.")
    with RayTasks(EngineChoice("ray", 2, allow_mixed=True), CPU) as engine:
        items = list(engine.run([Counting(1)], silent))
        assert not any(own.alike for own in items)
        assert len(engine.mixed) == 1
    assert ours() <= before
