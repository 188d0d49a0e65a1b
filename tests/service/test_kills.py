"""Everything is killed at random moments, and every version of a model has one verdict."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack, suppress

import psutil
import pytest

from acn_eval.service.database import Database
from acn_eval.service.migrations import migrate
from acn_eval.service.records import FINAL
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.shipped import shipped
from acn_eval.stores import TrackingStore
from acn_eval.tracking.server import LIGHT
from tests.service import workers
from tests.service.together import ends_of
from tests.service.workers import until
from tests.tracking.postgres import free_port, needs_postgres, new_database, postgres_server

KILLS = 50
PROFILE = """\
profiles:
  - name: main
    models: "net"
    baseline: models:/base/1
    gate: small.yaml
    data: {name: digits}
"""
GATE = (shipped("suites") / "gate.yaml").read_text().replace("limit: null", "limit: 64")


def write_settings(folder):
    (folder / "service.yaml").write_text(PROFILE)
    (folder / "small.yaml").write_text(GATE)


class Tracking:
    """An MLflow server on one port, which is killed and started again."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self):
        environment = {
            **LIGHT,
            **os.environ,
            "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{self.folder / 'mlflow.db'}",
            "MLFLOW_ARTIFACTS_DESTINATION": str(self.folder / "mlartifacts"),
            "MLFLOW_HOST": "127.0.0.1",
            "MLFLOW_PORT": str(self.port),
        }
        with (self.folder / "mlflow.log").open("ab") as log:
            command = [sys.executable, "-m", "mlflow", "server"]
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        until(self.answers, 120)

    def answers(self):
        try:
            urllib.request.urlopen(f"{self.address}/health", timeout=2).close()
        except OSError:
            return False
        return True

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Ours:
    """A process of ours that is killed and started again."""

    def __init__(self, begin):
        self.begin = begin

    def start(self):
        self.process = self.begin()

    def stop(self):
        self.process.kill()
        self.process.communicate()


class Child(Ours):
    """Whatever process does a job of a worker."""

    def __init__(self, worker):
        self.worker = worker

    def start(self):
        """The worker does."""

    def stop(self):
        with suppress(psutil.Error):
            for child in psutil.Process(self.worker.process.pid).children():
                child.kill()


def register(client, experiment, files, model):
    """Create a version with plain calls of MLflow."""
    run = client.create_run(experiment).info.run_id
    client.log_artifact(run, str(files), "model")
    return client.create_model_version(model, f"runs:/{run}/model", run).version


def serve(tmp_path, address, uri):
    command = (sys.executable, "-P", "-m", "acn_eval", "serve", "--port", "0", "--workers", "0")
    options = ("--config", "service.yaml", "--home", "home", "--database", address)
    with (tmp_path / "serve.log").open("ab") as log:
        return subprocess.Popen(
            [*command, *options, "--poll", "0.5", "--tracking-uri", uri],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )


def work(service, folder, name):
    settings = {"suites": [str(folder / "small.yaml")]}
    return workers.start(service, name, settings=settings, lease=3.0)


def storm(parts, jobs, kills, submit):
    """Kill parts at random moments and start them again; submit something now and then."""
    choose = random.Random(kills)
    for number in range(kills):
        if number % 5 == 0:
            submit(number // 5)
        time.sleep(choose.uniform(0.0, 3.0))
        part = parts[choose.choice(sorted(parts))]
        # Three crashes of its process end a job: that is no failure of the queue.
        if isinstance(part, Child) and any(job.failures == 2 for job in jobs.page(limit=100)):
            part = part.worker
        part.stop()
        part.start()


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=needs_postgres)])
def test_everything_is_killed_and_every_version_has_one_verdict(
    kind, empty_store, tiny, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    write_settings(tmp_path)
    with ExitStack() as stack:
        parts = {"mlflow": Tracking(tmp_path)}
        address = f"sqlite:///{tmp_path / 'service.db'}"
        if kind == "postgresql":
            parts["postgresql"] = stack.enter_context(postgres_server())
            address = new_database(parts["postgresql"].address, "storm")
        uri = parts["mlflow"].address
        database = Database.at(address)
        migrate(database)
        home = tmp_path / "home"
        service = Service(Settings(), database, TrackingStore(uri), home, "")
        parts["server"] = Ours(lambda: serve(tmp_path, address, uri))
        for name in ("one", "two"):
            parts[name] = Ours(lambda name=name: work(service, tmp_path, name))
        for part in parts.values():
            if part is not parts.get("postgresql"):
                part.start()
                stack.callback(part.stop)
        parts |= {f"child {name}": Child(parts[name]) for name in ("one", "two")}
        client = service.store.client()
        for model in ("base", "net"):
            client.create_registered_model(model)
        experiment = client.create_experiment("files")
        register(client, experiment, tiny / "tiny_res.pt", "base")
        files = (tiny / "tiny_ac.pt", tiny / "tiny_res.pt")
        storm(
            parts, service.jobs, KILLS, lambda n: register(client, experiment, files[n % 2], "net")
        )
        versions = client.search_model_versions("name = 'net'")
        until(lambda: all(settled(client, int(v.version)) for v in versions), 900)
        require_once(service.jobs, client, versions)
        database.engine.dispose()


def settled(client, version):
    return tags_of(client, version).get("acn_eval.state") in FINAL


def tags_of(client, version):
    return client.get_model_version("net", str(version)).tags


def require_once(jobs, client, versions):
    """Every version has one job with one end, and its tags; every result has one run."""
    held = {job.version: job for job in jobs.page(limit=1000)}
    assert len(held) == len(jobs.page(limit=1000)) == len(versions)
    for version in versions:
        job, tags = held[int(version.version)], tags_of(client, version.version)
        assert (job.state, ends_of(jobs, job)) == ("done", ["done"]), job
        assert (tags["acn_eval.state"], tags["acn_eval.job"]) == ("done", str(job.id))
        assert tags["acn_eval.gate"] == job.verdict
        assert jobs.document(job.id, "verdict.json")
    runs = client.search_runs(
        [e.experiment_id for e in client.search_experiments()], max_results=1000
    )
    keys = Counter(run.data.tags.get("acn_eval.key") for run in runs)
    del keys[None]
    assert keys
    assert set(keys.values()) == {1}, keys
