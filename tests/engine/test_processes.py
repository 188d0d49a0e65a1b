"""Tasks in processes of their own: what they yield, and what becomes of them at every end."""

import os
import re
import threading

import pytest
import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.processes import Processes
from acn_eval.errors import ConfigError, MeasureError, MissingExtra
from acn_eval.reach import confined
from tests.engine.tasks import (
    Counting,
    Dying,
    DyingAsParent,
    Failing,
    FailingOddly,
    Missing,
    Opening,
    Reading,
    Table,
    Upper,
    Waiting,
    alive,
    by_task,
    silent,
)

CPU = torch.device("cpu")
TWO = EngineChoice("processes", 2)


@pytest.fixture(scope="module")
def two():
    with Processes(TWO, CPU) as engine:
        yield engine


@pytest.fixture
def own():
    with Processes(TWO, CPU) as engine:
        yield engine


def test_every_task_yields_in_its_order_elsewhere(two):
    assert two.slots == 2
    items = by_task(two.run([Counting(n) for n in range(12)], silent))
    assert {number: own[1:] for number, own in items.items()} == {
        n: list(range(n)) for n in range(12)
    }
    workers = {own[0] for own in items.values()}
    assert os.getpid() not in workers
    assert len(workers) <= 2
    again = by_task(two.run([Counting(0)] * 4, silent))
    assert {own[0] for own in again.values()} <= workers
    assert two.mixed == ()


def test_tasks_are_taken_when_there_is_room(two):
    taken = []

    def tasks():
        for n in range(20):
            taken.append(n)
            yield Counting(0)

    for done, _ in enumerate(two.run(tasks(), silent)):
        assert len(taken) <= done + 2 * two.slots
    assert len(taken) == 20


def test_no_task_is_no_work(two):
    assert list(two.run([], silent)) == []


def test_work_is_shown_by_the_number_of_its_task(two):
    shown = []
    list(two.run([Counting(3), Counting(5)], lambda *own: shown.append(own)))
    assert {own[0] for own in shown} == {0, 1}
    assert (1, 4, 4) in shown


def test_a_part_is_read_once_by_a_worker(two):
    table = Table(bytes(10**6))
    items = [own[0] for own in by_task(two.run([Reading(table)] * 10, silent)).values()]
    assert {size for *_, size in items} == {10**6}
    assert len({(pid, where) for pid, where, _ in items}) == len({pid for pid, *_ in items})


def test_an_error_of_a_task_is_raised_here(two):
    error = ConfigError("`suite`: must be another", "suite")
    with pytest.raises(ConfigError) as caught:
        list(two.run([Failing(error)], silent))
    assert caught.value.in_options == error.in_options
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(MissingExtra, match="acn-eval\\[timm\\]"):
        list(two.run([Missing()], silent))


def test_a_bug_keeps_its_traceback(two):
    with pytest.raises(KeyError) as caught:
        list(two.run([Failing(KeyError("nothing"))], silent))
    assert re.search(r"In a worker:.*raise self\.error", caught.value.__notes__[0], re.DOTALL)
    with pytest.raises(RuntimeError, match="one and two"):
        list(two.run([FailingOddly()], silent))


def test_what_cannot_be_sent_is_refused(two):
    with pytest.raises(ConfigError, match="`engine`: must be local for what no other"):
        list(two.run([Failing(threading.Lock())], silent))


@pytest.mark.slow
def test_the_task_of_a_lost_worker_is_run_again(own, tmp_path):
    tasks = [Dying(tmp_path, 2), *[Counting(1)] * 6]
    items = by_task(own.run(tasks, silent))
    *before, last = items.pop(0)
    assert (set(before), last) == ({"first"}, "second")  # the last words of a killed one may miss
    assert len(list(tmp_path.iterdir())) == 2
    assert all(found[1:] == [0] for found in items.values())
    assert len(items) == 6


@pytest.mark.slow
def test_what_a_task_has_forked_hides_no_loss(own, tmp_path, monkeypatch):
    """Its end is heard at once: no forked process holds the connection."""
    monkeypatch.setattr("acn_eval.engine.crew._LOOK", None)
    assert by_task(own.run([DyingAsParent(tmp_path)], silent)) == {0: ["second"]}
    (tmp_path / "go").touch()


@pytest.mark.slow
def test_a_task_that_ends_three_workers_ends_the_run(own, tmp_path):
    with pytest.raises(MeasureError, match=r"^a task that dies: must end; 3 workers .* SIGKILL"):
        list(own.run([Dying(tmp_path, 99)], silent))
    assert len(list(tmp_path.iterdir())) == 3
    assert by_task(own.run([Counting(1)], silent))[0][1:] == [0]


@pytest.mark.slow
def test_tasks_end_where_the_iterator_is_closed(own, tmp_path):
    found = own.run([Waiting(tmp_path, "a"), Waiting(tmp_path, "b")], silent)
    pids = [next(found).item, next(found).item]
    assert all(map(alive, pids))
    found.close()
    assert not any(map(alive, pids))
    assert by_task(own.run([Counting(1)], silent))[0][1:] == [0]


@pytest.mark.slow
def test_rules_hold_in_workers(own):
    assert by_task(own.run([Opening("x")], silent)) == {0: ["x"]}
    with confined(Upper()):
        assert by_task(own.run([Opening("x")], silent)) == {0: ["X"]}
    assert by_task(own.run([Opening("x")], silent)) == {0: ["x"]}


def test_a_rule_that_no_worker_can_get_is_refused(two):
    lock = threading.Lock()

    def rule(kind, name):
        with lock:
            return name

    with confined(rule), Processes(TWO, CPU) as engine, pytest.raises(ConfigError, match="local"):
        list(engine.run([Opening("x")], silent))
