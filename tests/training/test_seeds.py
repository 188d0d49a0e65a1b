"""Files of recipes are those of `train`, whichever worker trained them, and however often."""

import os
import signal
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints.native import read_native
from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.local import Local
from acn_eval.engine.parcel import Packer, Unpacker
from acn_eval.engine.protocol import Engine, Yielded
from acn_eval.engine.start import engine_of
from acn_eval.errors import MeasureError, Stopped
from acn_eval.inference import Runtime
from acn_eval.training import train
from acn_eval.training.resume import Resume
from acn_eval.training.seeds import FileTask, train_files
from tests.tiny import BREAKS_DOWN, CPU, recipe

STEPS = 6


@dataclass
class Sent(Local):
    """Every task is sent, and run once or, as if its worker was lost after it yielded, twice."""

    times: int = 1

    def run(self, tasks, show):
        parts = {}
        packer, unpacker = Packer(parts.__setitem__), Unpacker(parts.__getitem__)
        for number, task in enumerate(tasks):
            for _ in range(self.times):
                again = unpacker.unpack(packer.pack(task).content)
                yield from (Yielded(number, item) for item in again(partial(show, number)))


@dataclass
class Often:
    """A task whose training keeps its state after every step."""

    task: FileTask

    def __call__(self, show):
        Resume.every = Resume.apart = 0.0
        yield from self.task(show)


@dataclass
class Sending(Local):
    """Sends such tasks to another engine, and sees what each shows."""

    engine: Engine
    seen: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def run(self, tasks, show):
        def see(task, more, kept=0):
            self.seen[task].append(more)
            show(task, more, kept)

        yield from self.engine.run(map(Often, tasks), see)


@pytest.fixture
def runtime(store):
    return Runtime(CPU, store=store, engine=Sent())


def wanted(folder, count=2, **changes):
    fields = {"steps": STEPS, "batch": 16, "warmup": 2, **changes}
    return [(recipe(seed=seed, **fields), folder / f"seed {seed}.pt") for seed in range(count)]


def same(path, other):
    """Whether two files hold the same, but for the seconds that the training took."""
    one, two = read_native(path), read_native(other)
    assert {k: v.tolist() for k, v in one.state.items()} == {
        k: v.tolist() for k, v in two.state.items()
    }
    cards = [own.card.model_dump(exclude={"training": {"seconds"}}) for own in (one, two)]
    return cards[0] == cards[1]


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_every_file_is_that_of_train(runtime, tmp_path, suffix):
    told, changes = [], {"weights": "bf16", "select": "validation", "looks": 3}
    ours = [(own, path.with_suffix(suffix)) for own, path in wanted(tmp_path, **changes)]
    twice = replace(runtime, engine=Sent(2))
    train_files(ours, twice, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 2 * STEPS)
    assert told[-1] == (2 * STEPS, 2 * STEPS)
    assert told == sorted(told)
    for own, path in ours:
        train(own, tmp_path / f"alone{suffix}", device=CPU)
        assert same(path, tmp_path / f"alone{suffix}")
    assert runtime.store.size() == 0


def test_only_what_is_missing_is_trained(runtime, tmp_path):
    ours = wanted(tmp_path)
    ours[0][1].write_bytes(b"kept")
    told = []
    train_files(ours, runtime, progress=lambda done, total: told.append(done))
    assert told[0] == STEPS
    assert ours[0][1].read_bytes() == b"kept"
    assert ours[1][1].is_file()


def test_a_training_that_was_stopped_goes_on(runtime, tmp_path, states_at_every_step):
    """In the second training, after four of six steps."""
    ours = wanted(tmp_path)

    def stop(done, total):
        if done == STEPS + 4:
            raise KeyboardInterrupt

    with pytest.raises(Stopped, match=r"^10 of the 12 training steps under way are kept"):
        train_files(ours, runtime, progress=stop)
    assert [path.exists() for _, path in ours] == [True, False]
    told = []
    train_files(ours, runtime, progress=lambda done, total: told.append(done))
    assert told[:3] == [STEPS, STEPS + 4, STEPS + 5]
    train(ours[1][0], tmp_path / "alone.pt", device=CPU)
    assert same(ours[1][1], tmp_path / "alone.pt")
    assert runtime.store.size() == 0


def test_the_state_of_another_recipe_is_not_taken(runtime, tmp_path, states_at_every_step):
    def stop(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(Stopped):
        train_files(wanted(tmp_path, 1), runtime, progress=stop)
    told = []
    other = wanted(tmp_path, 1, learning_rate=0.002)
    train_files(other, runtime, progress=lambda done, total: told.append(done))
    assert told[:2] == [0, 1]


def test_a_loss_that_is_not_finite_ends_all(runtime, tmp_path):
    with pytest.raises(MeasureError, match="the loss must be finite"):
        train_files(wanted(tmp_path, **BREAKS_DOWN), runtime)
    assert not list(tmp_path.glob("*.pt"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_successor_goes_on_where_a_killed_worker_was(tmp_path):
    """Two workers train a seed each; one is killed in the middle, and nothing is done twice."""
    ours = wanted(tmp_path, 2, steps=300)
    killed, told = [], []
    with engine_of(EngineChoice("processes", 2), CPU) as engine:
        store, sending = OutcomeCache(tmp_path / "store"), Sending(engine)

        def kill(done, total):
            told.append(done)
            if not killed and 100 < done < 250:
                busy = next(own for own in engine._crew._workers if own.jobs)
                killed.append(busy)
                os.kill(busy._process.pid, signal.SIGKILL)

        train_files(ours, Runtime(CPU, store=store, threads=1, engine=sending), progress=kill)
    assert killed
    assert told[-1] == 600
    assert store.size() == 0
    assert [own == sorted(own) for own in sending.seen.values()] == [True, True]
    for own, path in ours:
        train(own, tmp_path / "alone.pt", device=CPU)
        assert same(path, tmp_path / "alone.pt")
