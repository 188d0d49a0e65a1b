"""A training that is stopped goes on from its state, or begins anew; its weights are the same."""

import os
import signal
from dataclasses import dataclass, field
from functools import partial

import pytest
import torch

from acn_eval.data import open_examples
from acn_eval.errors import MeasureError
from acn_eval.training import resume as module
from acn_eval.training import train_all
from acn_eval.training.packed import pack, unpack
from acn_eval.training.resume import Resume, state_key
from tests.training.test_together import jobs

STEPS = 4


@dataclass
class Counting:
    """Adds the number of every step to a sum."""

    done: int = 0
    sums: torch.Tensor = field(default_factory=lambda: torch.zeros(2))

    def state(self):
        return {"done": self.done, "sums": self.sums}

    def restore(self, state):
        self.sums.copy_(state["sums"])
        self.done = state["done"]

    def run(self, resume, stop=None):
        with resume.following() as after:
            while self.done < STEPS:
                if self.done == stop:
                    os.kill(os.getpid(), signal.SIGINT)
                self.sums += self.done
                self.done += 1
                after(self)
        return self.sums.tolist()


@pytest.fixture
def resume(runtime):
    return partial(Resume, runtime, "a" * 32)


def kept(runtime):
    return runtime.store.read(state_key("a" * 32))


def test_ctrl_c_waits_for_the_end_of_the_step_and_keeps_it(resume, runtime):
    shown = []
    with pytest.raises(KeyboardInterrupt):
        Counting().run(resume(lambda *own: shown.append(own), cost=10), stop=2)
    assert shown == [(30, 30)]
    again = resume(lambda *own: shown.append(own)).begin(Counting)
    assert (again.done, shown[1:]) == (3, [(3, 3)])
    assert again.run(resume()) == Counting().run(Resume()) == [6, 6]


def test_ctrl_c_after_the_last_step_is_not_forgotten(resume):
    with pytest.raises(KeyboardInterrupt), resume().following():
        os.kill(os.getpid(), signal.SIGINT)


def test_a_state_is_written_when_it_is_due(resume, runtime, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    counting, own = Counting(), resume()
    with own.following() as after:
        reached = []
        for now[0] in (59.9, 60.1, 119.0, 120.2):
            counting.done += 1
            after(counting)
            reached.append(unpack(kept(runtime))["training"]["done"] if kept(runtime) else 0)
    assert reached == [0, 2, 2, 4]


def test_a_state_that_is_slow_to_write_is_written_less_often(resume, monkeypatch):
    now, counting, own = [0.0], Counting(), resume()
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    def slow(training):
        now[0] += 10
        written.append(now[0])
        return b""

    written = []
    monkeypatch.setattr(module, "pack", slow)
    with own.following() as after:
        for now[0] in (61.0, 271.0, 272.0):  # 20 times ten seconds later
            after(counting)
    assert written == [71.0, 281.0]


FOREIGN = {
    "another environment": lambda own: {**own, "environment": {}},
    "no environment": lambda own: own["training"],
    "another shape": lambda own: {**own, "training": {"done": 3, "sums": torch.ones(5)}},
    "something missing": lambda own: {**own, "training": {"sums": torch.ones(2)}},
    "a list": lambda own: [1, 2],
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_a_state_of_this_training_begins_anew(
    resume, runtime, change, states_at_every_step
):
    Counting().run(resume())
    own = unpack(kept(runtime))
    assert own["training"]["done"] == STEPS
    runtime.store.write(state_key("a" * 32), pack(change(own)))
    begun = resume().begin(Counting)
    assert (begun.done, begun.sums.tolist()) == (0, [0, 0])


def test_what_is_damaged_begins_anew(resume, runtime):
    runtime.store.write(state_key("a" * 32), b"no state")
    assert resume().begin(Counting).done == 0


def test_without_an_address_nothing_is_kept(runtime, states_at_every_step):
    assert Counting().run(Resume(runtime)) == [6, 6]
    assert runtime.store.size() == 0


def test_a_full_store_takes_the_state_and_not_the_training(
    resume, runtime, monkeypatch, states_at_every_step
):
    def full(store, key, content):
        raise MeasureError("no space left")

    shown = []
    monkeypatch.setattr(type(runtime.store), "write", full)
    assert Counting().run(resume(lambda *own: shown.append(own))) == [6, 6]
    assert shown[-1] == (4, 0)


@pytest.mark.parametrize("select", ["last", "validation"])
@pytest.mark.parametrize("count", [1, 2], ids=["alone", "stacked"])
def test_networks_end_with_the_same_weights(device, resume, count, select, states_at_every_step):
    """One is stopped after the fifth of eight steps, and another goes on."""
    pool = open_examples("digits", "train")
    some = jobs(pool, (5, 8)[:count], held_out=0.3, select=select, looks=4)
    whole, told = train_all(some, device), []

    def stop(done, kept):
        if kept == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_all(some, device, resume(stop))
    resumed = train_all(some, device, resume(lambda *own: told.append(own)))
    assert told[:2] == [(5, 5), (6, 6)]
    for one, other in zip(whole, resumed, strict=True):
        for name, weights in one.state_dict().items():
            assert torch.equal(weights, other.state_dict()[name]), name
