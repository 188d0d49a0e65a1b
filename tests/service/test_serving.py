"""A service is served, says what is wrong, and ends with all that it started."""

import json
import logging
import os
import signal
import socket
import threading
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from urllib.error import HTTPError

import psutil
import pytest

from acn_eval.client import Check, Client
from acn_eval.errors import ConfigError
from acn_eval.service.access.audit import Audit
from acn_eval.service.access.tokens import Tokens
from acn_eval.service.database import Database
from acn_eval.service.jobs import Jobs
from acn_eval.service.serving import Plan, serve
from acn_eval.service.settings import Profile, Settings
from acn_eval.stores import TrackingStore
from tests.service.serving import serving, until
from tests.tracking.postgres import free_port

ALONE = Plan(port=0, workers=0, grace=2)
PROFILE = Profile(name="main", baseline="res_vit.pt")


@contextmanager
def here(service, plan=ALONE):
    """Serve in a thread of this process; yields the lines that are said."""
    said, stop, failed = [], threading.Event(), []

    def run():
        try:
            serve(replace(service, url=""), plan, said.append, stop)
        except ConfigError as exc:
            failed.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: failed or any("the page" in line for line in said))
        yield said
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert failed == []


def address(said):
    return next(line for line in said if "the page" in line).removeprefix("the page: ")


def test_it_answers_until_it_is_stopped(service):
    with here(service) as said:
        with urllib.request.urlopen(f"{address(said)}/healthz") as answer:
            assert json.load(answer) == {"status": "ok"}
            assert "server" not in answer.headers
        logging.getLogger("uvicorn.error").error("one\x1b[31m\ntwo")
    assert (service.home / "logs").stat().st_mode & 0o077 == 0
    log = (service.home / "logs" / "server.log").read_text()
    assert "ERROR uvicorn.error: one" in log
    assert "\x1b" not in log
    assert log.endswith("\n")
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{address(said)}/healthz")


def test_nobody_passes_for_another_address(service):
    Tokens(service.database).create("ci", "read")
    wrong = {"Authorization": "Bearer x", "X-Forwarded-For": "192.0.2.7"}
    with here(service) as said, pytest.raises(HTTPError, match="401"):
        urllib.request.urlopen(urllib.request.Request(f"{address(said)}/v1/jobs", headers=wrong))
    assert [entry.who for entry in Audit(service.database).page()] == ["127.0.0.1"]


def test_an_open_stream_does_not_hold_the_end_up(service):
    with here(service) as said:
        client = Client(address(said))
        job = client.submit(Check())
        events = client.events(job.id)
        assert next(events).data == {"state": "queued"}


def test_a_registry_that_is_away_is_said_once(service):
    settings = Settings(profiles=(PROFILE,), poll_seconds=0.2)
    away = TrackingStore(f"http://127.0.0.1:{free_port()}")
    with here(replace(service, settings=settings, store=away)) as said:
        until(lambda: any("the watch" in line for line in said))
    waiting = [line for line in said if line.startswith("the watch waits: ")]
    assert len(waiting) == 1
    assert "must be a tracking server that answers" in waiting[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host": "nowhere.invalid"}, "`host`: must be "),
        ({"host": "0.0.0.0"}, "`host`: must be this machine alone, 127.0.0.1, while there is no"),
    ],
)
def test_a_wrong_place_is_refused_in_one_line(service, changes, said):
    with pytest.raises(ConfigError) as caught:
        serve(service, replace(ALONE, **changes), print, threading.Event())
    assert said in str(caught.value)


def test_a_port_that_is_taken_is_refused(service):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"`port`: must be free on 127.0.0.1; got {port}"):
            serve(service, replace(ALONE, port=port), print, threading.Event())


@pytest.mark.slow
def test_the_first_requests_and_the_first_look_meet_in_mlflow(tmp_path, mlflow_server):
    """Both ask the registry's server, from threads of a process that has not done so before."""
    (tmp_path / "service.yaml").write_text("profiles: [{name: a, baseline: res_vit.pt}]")
    options = ("--config", "service.yaml", "--tracking-uri", mlflow_server.uri, "--poll", 0.2)
    with serving(tmp_path, *options) as server:
        client = Client(server.address)
        until(lambda: client.ready()["ready"], 60)
        assert "Traceback" not in server.printed
        assert server.end() == 0


def jobs_in(folder):
    return Jobs(Database.at(f"sqlite:///{folder}/acn-service/service.db"))


def running(jobs, number):
    return jobs.job(number).state == "running"


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_job_is_done(tmp_path):
    with serving(tmp_path, "--grace", 10) as server:
        server.says(r"takes jobs")
        (worker,) = [p for p in server.family if "worker" in p.cmdline()]
        worker.kill()
        server.says(rf"worker {worker.pid} ended with exit code -9; another one starts in 1 s")
        client = Client(server.address)
        job = client.submit(Check(name="after"))
        assert client.wait(job.id, timeout=60).state == "done"
        assert server.end() == 0
    assert server.lines[-1] == "the service has ended"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_short_job_is_finished_and_a_long_one_is_put_back(tmp_path, number):
    with serving(tmp_path, "--grace", 8, "--workers", 2) as server:
        client, jobs = Client(server.address), jobs_in(tmp_path)
        short, long = (client.submit(Check(name=str(s), seconds=s, steps=10)).id for s in (3, 60))
        until(lambda: running(jobs, short) and running(jobs, long))
        family = server.family
        os.kill(server.process.pid, number)
        assert server.process.wait(30) == 0
        assert psutil.wait_procs(family, 5)[1] == []
    assert (jobs.job(short).state, jobs.job(long).state) == ("done", "queued")
    assert jobs.job(long).failures == 0


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(tmp_path):
    with serving(tmp_path, "--grace", 300) as server:
        client, jobs = Client(server.address), jobs_in(tmp_path)
        job = client.submit(Check(seconds=300, steps=2))
        until(lambda: running(jobs, job.id))
        family = server.family
        server.process.terminate()
        server.says("ending: running jobs have 180 s")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(30) == 130
        assert psutil.wait_procs(family, 5)[1] == []


@pytest.mark.slow
def test_nothing_outlives_a_server_that_is_killed(tmp_path):
    with serving(tmp_path) as server:
        client, jobs = Client(server.address), jobs_in(tmp_path)
        job = client.submit(Check(seconds=300, steps=2))
        until(lambda: running(jobs, job.id))
        family = server.family
        assert len(family) >= 2
        server.process.kill()
        server.process.wait()
        assert psutil.wait_procs(family, 60)[1] == []
