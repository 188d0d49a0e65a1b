"""Threads that do the same at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def at_once(count, work):
    """Call ``work(number)`` from so many threads at the same moment; return what each returns."""
    start = Barrier(count)

    def run(number):
        start.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
