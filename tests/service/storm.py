"""Processes that claim and finish jobs, and are killed: ``python -m tests.service.storm URL N``.

It kills them N times at random moments, starts others, and ends when no job is left.
"""

import os
import random
import signal
import sys
import time

from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs

_LEASE = 0.5  # seconds: who is killed is soon replaced


def work(address: str, name: str):
    """Do jobs until none is left; some are given back, some fail once."""
    jobs, choose = Jobs(Database.at(address)), random.Random(name)
    while {"queued", "running"} & jobs.counts().keys():
        claim = jobs.claim(name, lease=_LEASE)
        if claim is None:
            time.sleep(0.02)
            continue
        for step in range(3):
            jobs.beat(claim, (step, 3), lease=_LEASE)
        if choose.random() < 0.1:
            jobs.release(claim)
            continue
        result = {"by": name, "attempt": claim.attempt, "test_set": "one"}
        jobs.finish(claim, "done", result=result, documents={"report.html": name.encode()})


def start(address: str, name: str) -> int:
    """Return the process id of a worker."""
    if child := os.fork():
        return child
    try:
        work(address, name)
    finally:
        os._exit(0)


def main(address: str, kills: str):
    choose, number = random.Random(0), 4
    running = [start(address, f"w{own}") for own in range(number)]
    for _ in range(int(kills)):
        time.sleep(choose.uniform(0.0, 0.15))
        killed = running.pop(choose.randrange(len(running)))
        os.kill(killed, signal.SIGKILL)
        os.waitpid(killed, 0)
        running.append(start(address, f"w{number}"))
        number += 1
    for child in running:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
