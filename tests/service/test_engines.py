"""A job that an engine measures says what one process finds, and takes its workers with it."""

import json
import os
import subprocess
import sys

import psutil
import pytest

from acn_eval.service.requests import Data, Evaluate
from tests.service.workers import ENDED, in_state, runs, until


@pytest.fixture
def working(service, folder, tmp_path):
    """Start workers of one service whose jobs may read what lies in `folder`."""
    (tmp_path / "service.yaml").write_text(json.dumps({"roots": [str(folder)]}))
    started = []

    def start(*options):
        given = f"--home={service.home}", f"--config={tmp_path / 'service.yaml'}", "--threads=1"
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "acn_eval", "worker", *given, *options],
            env={**os.environ, "MLFLOW_TRACKING_URI": service.store.uri},
            stdin=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def asked(folder, limit):
    files = tuple(str(folder / name) for name in ("tiny_ac.pt", "tiny_res.pt"))
    return Evaluate(suite="robustness", candidates=files, data=Data(name="digits", limit=limit))


def ended(service, number):
    job = service.jobs.job(number)
    return job if job.state in ENDED else None


def engine_workers(process):
    """The processes below a worker that measure for its job."""
    below = psutil.Process(process.pid).children(recursive=True)
    return [own.pid for own in below if "acn_eval.engine.worker" in " ".join(own.cmdline())]


@pytest.mark.slow
def test_two_processes_find_the_bytes_of_one(service, folder, working, monkeypatch):
    found = []
    for engine, options in (("local", ()), ("processes", ("--engine-workers=2",))):
        monkeypatch.setenv("ACN_EVAL_CACHE", str(service.home / f"cache-{engine}"))
        process = working(*options)
        number = service.jobs.submit(asked(folder, 60), by="test")[0].id
        job = until(lambda own=number: ended(service, own), 240)
        assert job.state == "done", job.error
        process.terminate()
        process.wait(60)
        cells = sorted((service.home / "results").glob("robustness-*/cells*.parquet"))
        assert len(cells) == len(job.result["results"]) == 2
        found.append([(own.parent.name, own.read_bytes()) for own in cells])
        (service.home / "results").rename(service.home / f"results-{engine}")
    assert found[0] == found[1]


@pytest.mark.slow
def test_a_job_that_is_cancelled_ends_the_workers_of_its_engine(service, folder, working):
    process = working("--engine=processes", "--engine-workers=2")
    number = service.jobs.submit(asked(folder, None), by="test")[0].id
    below = until(lambda: len(found := engine_workers(process)) == 2 and found)
    service.jobs.cancel(number)
    assert in_state(service, number, *ENDED).state == "cancelled"
    until(lambda: not any(map(runs, below)))
