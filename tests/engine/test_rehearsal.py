"""A rehearsal yields what the local engine yields, and times driver and worker apart."""

from acn_eval.engine.local import LOCAL
from acn_eval.engine.parcel import SentOnce
from acn_eval.engine.rehearsal import Rehearsal


class Weights(SentOnce):
    def __init__(self):
        self.content = bytes(10_000)


class Task:
    def __init__(self, shared, number):
        self.shared, self.number = shared, number

    def __call__(self, show):
        show(1)
        for _ in range(2):
            yield self.number, bytes(1_000)


def test_it_yields_what_tasks_yield_and_counts_what_would_be_sent():
    shared, told = Weights(), []
    tasks = [Task(shared, i) for i in range(3)]
    with Rehearsal(4) as engine:
        found = [*engine.run(tasks, lambda *shown: told.append(shown))]
    assert found == [*LOCAL.run(tasks, lambda *shown: None)]
    assert told == [(0, 1), (1, 1), (2, 1)]
    assert 10_000 < engine.shared < 11_000  # once for three tasks
    assert engine.sent < 3_000
    assert 6_000 < engine.returned < 7_000
    assert (engine.slots, engine.mixed) == (4, ())


def test_what_happens_between_tasks_is_the_time_of_the_driver(monkeypatch):
    """A clock that moves where somebody works."""
    clock = [0.0]
    monkeypatch.setattr("acn_eval.engine.rehearsal.time.perf_counter", lambda: clock[0])

    def tasks():
        for i in range(2):
            clock[0] += 1
            yield Slow(i)

    class Slow(Task):
        def __init__(self, number):
            super().__init__(None, number)

        def __call__(self, show):
            clock[0] += 10
            yield self.number
            clock[0] += 20

    engine = Rehearsal(1)
    for _ in engine.run(tasks(), lambda *shown: None):
        clock[0] += 100  # the outcome is stored
    assert engine.loads == [(101, 30), (101, 30)]
