"""Workers of an engine against as many processes side by side that know nothing of each other.

    python benchmarks/engines.py [--engine processes|ray] [--workers 2] [--seconds 60] [--rounds 3]

A network of random weights meets random images under seven conditions, in as many chunks as fill
that many seconds of wall time. Each of the independent processes runs the plain loop over its
share of the bundles with one thread; the engine runs all of them with as many workers of one
thread. All start before the clock does, imports and the first task of every worker apart; both
ways write every outcome to a store of their own. The order changes from round to round.

Printed are the wall times of every round, the median of their quotient (1 is as fast as
independent processes), the time that a task which does nothing takes, and the start-up.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import facts

from acn_eval.allocation import keep_freed_memory
from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import Checkpoint, from_module
from acn_eval.data import Geometry, PrepareImages
from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.local import LOCAL
from acn_eval.engine.protocol import Engine, Show
from acn_eval.engine.start import engine_of
from acn_eval.evaluation import DataSelection, ask
from acn_eval.inference import Runtime
from acn_eval.models import build, initialize, read_arch
from acn_eval.study.run import Unit, bundles, measured

ARCH = {"kind": "vit", "connectivity": "acn", "depth": 6, "width": 64, "heads": 4, "patch": 4}
IMAGES = {"image_size": 32, "channels": 3, "classes": 10}
SUITE = """\
kind: robustness
name: benchmark
corruptions:
  - {kind: gaussian, levels: [0.05, 0.1, 0.2]}
  - {kind: salt_pepper, levels: [0.05, 0.1, 0.2]}
repeats: 1
"""
CPU = torch.device("cpu")
PROBED = 512  # images of the first, small study, which says how many fill the time
NOTHING = 500  # tasks that do nothing


@dataclass(frozen=True)
class Nothing:
    """A task that yields its number."""

    number: int

    def __call__(self, show: Show) -> Iterator[int]:
        """Yield it."""
        yield self.number


def network() -> Checkpoint:
    """Return random weights as if they had a file, so that outcomes are kept."""
    module = initialize(build(read_arch({**ARCH, **IMAGES}, "benchmark")), 0).eval()
    prepare = PrepareImages(Geometry(32, 3), (0.5,) * 3, (0.25,) * 3)
    made = from_module(module, name="vit", classes=tuple("0123456789"), prepare=prepare)
    return replace(made, id=replace(made.id, uri="benchmark.pt"))


def images(folder: Path, n: int) -> Path:
    """Write random images with labels."""
    rng, file = np.random.default_rng(0), folder / f"{n}.npz"
    np.savez(file, images=rng.integers(0, 256, (n, 32, 32, 3), np.uint8), labels=np.arange(n) % 10)
    return file


def units(data: Path, runtime: Runtime) -> Sequence[Unit]:
    suite = data.parent / "suite.yaml"
    suite.write_text(SUITE)
    return ask(
        [network()], str(suite), DataSelection(f"npz:{data}"), seed=0, runtime=runtime
    ).units()


def runtime_of(folder: Path, engine: Engine = LOCAL) -> Runtime:
    return Runtime(CPU, None, "fp32", OutcomeCache(folder), 1, engine)


def share(data: Path, store: Path, k: int, count: int) -> None:
    """Be one of several independent processes: measure a share when a line comes, and say when."""
    keep_freed_memory()
    runtime = runtime_of(store)
    own = units(data, runtime)
    mine = [own[i] for bundle in bundles(own)[k::count] for i in bundle]
    print("ready", flush=True)
    sys.stdin.readline()
    with runtime.own_settings():
        measured(mine, runtime)
    print(json.dumps(time.time()), flush=True)


def side_by_side(data: Path, store: Path, count: int) -> float:
    """Return the wall time of independent processes in seconds."""
    command = [sys.executable, __file__, "--share", str(data), str(store)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    each: list[Any] = [
        subprocess.Popen([*command, str(k), str(count)], **pipes)  # type: ignore[call-overload]
        for k in range(count)
    ]
    for process in each:
        assert process.stdout.readline() == "ready\n"
    start = time.time()
    for process in each:
        process.stdin.write("go\n")
        process.stdin.flush()
    ends = [json.loads(process.communicate()[0]) for process in each]
    return max(ends) - start


def with_engine(data: Path, store: Path, engine: Engine) -> float:
    """Return the wall time of an engine that is warm in seconds."""
    runtime = runtime_of(store, engine)
    own = units(data, runtime)
    start = time.time()
    with runtime.own_settings():
        measured(own, runtime)
    return time.time() - start


def warm(engine: Engine) -> float:
    """Start the workers; return the seconds until each has done something."""
    start = time.time()
    for _ in engine.run(map(Nothing, range(4 * engine.slots)), lambda *shown: None):
        pass
    return time.time() - start


def overhead(engine: Engine) -> float:
    """Return the seconds of a slot per task that does nothing."""
    start = time.time()
    found = list(engine.run(map(Nothing, range(NOTHING)), lambda *shown: None))
    assert sorted(own.item for own in found) == [*range(NOTHING)]
    return (time.time() - start) * engine.slots / NOTHING


def fitting(folder: Path, given: argparse.Namespace) -> tuple[Path, int]:
    """Return images that fill the time, in a multiple of chunks, and the number of units."""
    few = images(folder, PROBED)
    seconds = side_by_side(few, folder / "first", 1)
    runtime = runtime_of(folder / "none")
    chunk = 2048
    wanted = given.seconds / seconds * PROBED * given.workers
    data = images(folder, max(1, round(wanted / chunk / given.workers)) * chunk * given.workers)
    return data, len(units(data, runtime))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="processes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.share:
        data, store, k, count = given.share
        share(Path(data), Path(store), int(k), int(count))
        return
    print(facts())
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), given)


def compare(folder: Path, given: argparse.Namespace) -> None:
    data, count = fitting(folder, given)
    choice = EngineChoice(given.engine, given.workers, 1)
    quotients = []
    with engine_of(choice, CPU) as engine:
        print(f"start-up of {given.workers} workers: {warm(engine):.1f} s")
        print(f"a task that does nothing: {overhead(engine) * 1e3:.2f} ms of a slot")
        ways = {
            "side by side": partial(side_by_side, data, count=given.workers),
            given.engine: partial(with_engine, data, engine=engine),
        }
        for number in range(given.rounds):
            order = list(ways)[:: 1 if number % 2 else -1]
            spent = {way: ways[way](store=folder / f"{number} {way}") for way in order}
            quotients.append(spent["side by side"] / spent[given.engine])
            print(
                ", ".join(f"{way} {spent[way]:.2f} s" for way in ways), f"({quotients[-1]:.3f} x)"
            )
    print(f"{count} units; median of {given.rounds} rounds: {statistics.median(quotients):.3f} x")


if __name__ == "__main__":
    main()
