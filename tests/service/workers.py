"""Workers as processes of their own, and what tests wait for."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from acn_eval.service.requests import Check

ENDED = ("done", "failed", "cancelled", "refused")
START = """
import json, sys
from dataclasses import replace
from pathlib import Path
from acn_eval.service.opening import open_service
from acn_eval.service.settings import Settings
from acn_eval.service.worker import Worker
given = json.loads(sys.argv[1])
service = open_service(
    Path(given["home"]), database=given["database"], tracking_uri=given["store"]
)
service = replace(service, settings=Settings(**given["settings"]))
Worker(service, given["name"], lambda line: print(line, flush=True), **given["worker"]).run()
"""


def start(service, name="w", *, settings=None, environment=None, code_before="", **worker):
    """Start a worker of a service; its lines come from its stdout."""
    given = {
        "home": str(service.home),
        "database": service.database.engine.url.render_as_string(hide_password=False),
        "store": service.store.uri,
        "settings": settings or {},
        "name": name,
        "worker": worker,
    }
    return subprocess.Popen(
        [sys.executable, "-c", f"{code_before}\n{START}", json.dumps(given)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def working(service, name="w", **options):
    """Run a worker, and kill it at the end if it still runs."""
    process = start(service, name, **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def drained(process):
    """Ask a worker to end; return its exit code and what it printed."""
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    return process.returncode, out


def check(service, name="", **fields):
    """Submit a check; return its number."""
    return service.jobs.submit(Check(name=name, **fields), by="test")[0].id


def until(condition, seconds=60.0):
    """Wait for a condition; return what is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.02)
    return found


def in_state(service, number, *states):
    """Wait until a job is in one of some states; return it."""

    def found():
        job = service.jobs.job(number)
        return job if job.state in states else None

    return until(found)


def child_of(pid):
    """Return the number of the process of the job that a worker does; None if there is none."""
    for own in _read(f"/proc/{pid}/task/{pid}/children").split():
        if "acn_eval.service.child" in _read(f"/proc/{own}/cmdline"):  # it is not a copy of pid
            return int(own)
    return None


def runs(pid):
    """Whether a process is there, and no zombie."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] not in ([], ["Z"])


def _read(path):
    try:
        return Path(path).read_text()
    except OSError:  # the process has ended
        return ""
