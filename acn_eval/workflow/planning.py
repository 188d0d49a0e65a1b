"""What a run would cost, here or on an engine, from a few examples that are measured."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from acn_eval import evaluation
from acn_eval.data import Examples
from acn_eval.engine.protocol import pieces_for
from acn_eval.engine.rehearsal import Rehearsal
from acn_eval.engine.simulation import Load, saturation, wall
from acn_eval.inference import Runtime
from acn_eval.run_options import RunOptions
from acn_eval.study.run import Study, Unit, bundles, measured
from acn_eval.study.suite import Suite
from acn_eval.workflow.running import runtime_of, suite_of
from acn_eval.workflow.sides import resolve

__all__ = ["Plan", "Price", "Wall", "doubled", "plan_of", "seconds_to_start", "walls"]

_TIMED = 256  # examples
_FEWEST = 8
_WORK = 2e12  # FLOPs of what is timed at once
_CUT = 2  # slots for which a single bundle is cut


@dataclass(frozen=True)
class Price:
    """Cost of one example under all conditions of a suite, for all networks that run.

    Attributes:
        forwards: forward passes.
        flops: floating-point operations.
        seconds: wall time on this machine, in one process.
        timed: number of examples that were timed.
    """

    forwards: float
    flops: float
    seconds: float
    timed: int


@dataclass(frozen=True)
class Wall:
    """A run with so many workers, which are warm.

    Attributes:
        tasks: into how many the units are cut.
        seconds: until the last of them is done.
        driver: share of that time in which the driver is busy.
        sent: bytes of the tasks; networks are sent once to each worker, apart from them.
        most: workers that the driver keeps busy.
    """

    workers: int
    tasks: int
    seconds: float
    driver: float
    sent: float
    most: float


@dataclass(frozen=True)
class Plan:
    """The units of a run, and what was measured of a few examples of them.

    Attributes:
        networks: how many run.
        n: examples of the run.
        whole: a rehearsal on a few examples whose units were one task per bundle.
        cut: another one, whose bundles were cut.
        few: the units of either.
        timed: their examples.
        flops: of one example and condition, for all networks.
        shared: bytes that each worker gets once.
        hashing: seconds in which the driver reads and hashes the content of one example.
    """

    units: Sequence[Unit]
    networks: int
    n: int
    whole: Rehearsal
    cut: Rehearsal
    few: Sequence[Unit]
    timed: int
    flops: int
    shared: int
    hashing: float

    @property
    def price(self) -> Price:
        """Cost of one example in this process."""
        each = self._few_cost / self.timed
        own = sum(load.driver + load.worker for load in self.whole.loads)
        return Price(each, self.flops * each / self.networks, own / self.timed, self.timed)

    @property
    def returned(self) -> float:
        """Bytes that all units yield."""
        return self.whole.returned * self._growth

    @property
    def bundles(self) -> int:
        """Groups of units that share what they read."""
        return len(self._bundles)

    def on(self, workers: int) -> Wall:
        """Return the run on an engine of so many workers."""
        most = pieces_for(self.bundles, workers)
        costs = [
            sum(unit.cost for unit in part)
            for numbers in self._bundles
            for part in self._pieces([self.units[i] for i in numbers], most)
        ]
        pieces = len(costs) / self.bundles
        seconds = (self._worker + self._again * (pieces - 1)) * self._growth / sum(costs)
        driver = self.sending + self.hashing * self.n / len(costs)
        tasks = [Load(driver, seconds * own) for own in costs]
        return _wall(tasks, workers, self.whole.sent * pieces * self.n / self.timed)

    @staticmethod
    def _pieces(own: Sequence[Unit], count: int) -> Sequence[Sequence[Unit]]:
        return own[0].pieces(own, count)

    @cached_property
    def _bundles(self) -> list[list[int]]:
        return bundles(self.units)

    @property
    def _few_cost(self) -> int:
        return sum(unit.cost for unit in self.few)

    @property
    def _growth(self) -> float:
        """How much more work the run is than what was timed."""
        return sum(unit.cost for unit in self.units) / self._few_cost

    @property
    def _worker(self) -> float:
        return sum(load.worker for load in self.whole.loads)

    @property
    def _again(self) -> float:
        """Seconds that a further piece of all bundles costs, to read examples and draw noise."""
        more = sum(load.worker for load in self.cut.loads) - self._worker
        return max(0.0, more / max(len(self.cut.loads) / len(self.whole.loads) - 1, 1))

    @property
    def sending(self) -> float:
        """Seconds of the driver for a task whose examples are hashed."""
        return float(np.median([load.driver for load in self.cut.loads]))


def plan_of(options: RunOptions, n: int | None = None) -> Plan:
    """Open the data, and measure a few examples of a run; no other one is read.

    A single network stands for both sides.

    Args:
        options: of the run; only an engine's threads matter.
        n: examples, where they are others than those of the data.

    Raises:
        AcnEvalError: a network, the suite or the data cannot be read or measured.
    """
    found = resolve(replace(options, baselines=())).candidates
    networks = found * 2 if len(found) == 1 else found
    local = options.engine.in_this_process()
    runtime = runtime_of(replace(options, cache=False, engine=local))
    asked = evaluation.ask(
        networks, suite_of(options), options.data, seed=options.seed or 0, runtime=runtime
    )
    opened = asked.request.whole
    each = sum(network.id.flops for network in networks)
    units = _shown(asked, opened.at(np.resize(np.arange(len(opened)), n or len(opened)))).units()
    rows = sum(unit.cost for unit in units) / (n or len(opened)) / len(networks)
    timed = min(max(int(_WORK / (each * rows)), _FEWEST), _TIMED, len(opened))
    hashing = _seconds_to_hash(opened.at(np.arange(timed))) / timed
    _rehearsed(asked, timed, 1)  # the first one warms up
    (few, whole), (_, cut) = (_rehearsed(asked, timed, slots) for slots in (1, _CUT))
    sizes = len(networks), n or len(opened)
    shared = whole.shared * len(networks) // len(found)
    return Plan(units, *sizes, whole, cut, few, timed, each, shared, hashing)


def walls(seconds: Sequence[float], workers: Sequence[int]) -> list[Wall]:
    """Return what tasks that take so long need on several numbers of workers."""
    return [_wall([Load(0.0, own) for own in seconds], count, 0.0) for count in workers]


def doubled(most: int) -> list[int]:
    """Return 1, 2, 4, ... up to a number.

    >>> doubled(6)
    [1, 2, 4, 6]
    """
    powers = [1 << k for k in range(most.bit_length())]
    return list(dict.fromkeys([*powers, most]))


def seconds_to_start() -> float:
    """Return how long a process takes here until it could measure."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", "import acn_eval.evaluation"], check=True)
    return time.perf_counter() - begin


def _wall(tasks: Sequence[Load], workers: int, sent: float) -> Wall:
    seconds, driver = wall(tasks, workers), sum(task.driver for task in tasks)
    share = driver / seconds if seconds else 0.0
    return Wall(workers, len(tasks), seconds, share, sent, saturation(tasks))


def _seconds_to_hash(examples: Examples) -> float:
    begin = time.perf_counter()
    examples.hashes.sum()
    return time.perf_counter() - begin


def _shown(asked: Study[Suite], examples: Examples) -> Study[Suite]:
    """Return the study of some of its examples."""
    own = asked.request
    return type(asked)(replace(own, block=examples, opened=own.whole))


def _rehearsed(asked: Study[Any], timed: int, slots: int) -> tuple[Sequence[Unit], Rehearsal]:
    """Measure the first examples as tasks of an engine."""
    engine = Rehearsal(slots)
    own = asked.request
    runtime: Runtime = replace(own.runtime, engine=engine)
    units = _shown(asked, own.whole.at(np.arange(timed))).units()
    with runtime.own_settings():
        measured(units, runtime)
    return units, engine
