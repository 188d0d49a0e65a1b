"""Work of many at the same moment, and how it ended."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from acn_eval.service.records import FINAL


def at_once(count, work):
    """Call ``work(number)`` from so many threads at the same moment; return what each returns."""
    start = Barrier(count)

    def run(number):
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def ends_of(jobs, job):
    """The final states that a job was told to have; it is one."""
    return [
        event.data["state"]
        for event in jobs.events(job.id, kind="state")
        if event.data["state"] in FINAL
    ]
