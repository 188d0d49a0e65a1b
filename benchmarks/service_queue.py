"""What the service's queue can do: claims per second, and how long a job waits for a free worker.

    python benchmarks/service_queue.py [--database postgresql://...] [--waiting 10000]

A round is claim, one beat and finish, by 1, 4 and 8 processes that do nothing else, among many
more jobs that wait. Without a database it is a new SQLite file. Submit-to-start is measured with
one worker as people run it, which looks at an idle queue twice a second.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
from machine import facts

from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs
from acn_eval.service.migrations import migrate
from acn_eval.service.requests import Check

SPAWN = multiprocessing.get_context("spawn")
PROCESSES = (1, 4, 8)


def opened(address: str) -> Jobs:
    database = Database.at(address)
    migrate(database)
    return Jobs(database)


def work(address: str, own: int, rounds: int, start: Barrier) -> None:
    jobs = opened(address)
    start.wait()
    for _ in range(rounds):
        claim = jobs.claim(f"w{own}")
        assert claim is not None
        jobs.beat(claim, (1, 1))
        jobs.finish(claim, "done", result={"n": 1})
    start.wait()


def rounds_per_second(address: str, processes: int, count: int) -> float:
    start = SPAWN.Barrier(processes + 1)
    arguments = [(address, own, count // processes, start) for own in range(processes)]
    running = [SPAWN.Process(target=work, args=given) for given in arguments]
    for process in running:
        process.start()
    start.wait()
    began = time.perf_counter()
    start.wait()
    seconds = time.perf_counter() - began
    for process in running:
        process.join()
    return count // processes * processes / seconds


def milliseconds(ask: Callable[[], object], times: int = 200) -> str:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask()
        took.append(1000 * (time.perf_counter() - began))
    return "p50 {:.1f} ms, p99 {:.1f} ms".format(*np.percentile(took, (50, 99)))


def submit_to_start(address: str, folder: str, times: int) -> str:
    jobs = opened(address)
    command = (sys.executable, "-P", "-m", "acn_eval", "worker", "--database", address)
    waited = []
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    worker = subprocess.Popen(
        [*command, "--home", folder], cwd=folder, stdout=subprocess.DEVNULL, env=environment
    )
    try:
        for number in range(times + 1):
            name = f"start {number} {time.time()}"
            job, _ = jobs.submit(Check(name=name), by="benchmark", priority=100)
            while (found := jobs.job(job.id)).finished is None:
                time.sleep(0.02)
            waited.append((found.started or 0.0) - found.created)
        memory = Path(f"/proc/{worker.pid}/status").read_text().partition("VmRSS:")[2].split()[0]
    finally:
        worker.terminate()
        worker.wait()
    p50, p99 = np.percentile(waited[1:], (50, 99))  # the first waits for the worker, too
    return f"p50 {p50:.2f} s, p99 {p99:.2f} s; the idle worker has {int(memory) / 1024:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--starts", type=int, default=50)
    options = parser.parse_args()
    taken = sum(options.jobs // processes * processes for processes in PROCESSES)
    if options.waiting < taken:
        line = f"--waiting: must be at least {taken}, for all rounds; got {options.waiting}"
        parser.exit(2, f"{line}. Ask for more, or for fewer with --jobs.\n")
    print(facts())
    with tempfile.TemporaryDirectory() as folder:
        address = options.database or f"sqlite:///{folder}/service.db"
        jobs = opened(address)
        print(jobs.database.engine.dialect.name)
        print("submit-to-start:", submit_to_start(address, folder, options.starts))
        began = time.perf_counter()
        for number in range(options.waiting):
            jobs.submit(Check(name=str(number)), by="benchmark")
        print(f"submit: {options.waiting / (time.perf_counter() - began):.0f} a second")
        for processes in PROCESSES:
            rate = rounds_per_second(address, processes, options.jobs)
            print(f"claim, beat, finish: {rate:.0f} a second, {processes} processes")
        print("one page of 50 jobs:", milliseconds(lambda: jobs.page()))
        print("counts:", milliseconds(lambda: jobs.counts()))


if __name__ == "__main__":
    main()
