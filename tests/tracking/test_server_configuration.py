"""The files in mlflow/: the compose file is valid, and its server is one that people can use."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest
import yaml

from acn_eval.tracking import record
from tests.fakes import fake_result, saved_pair
from tests.tracking.contents import connected
from tests.tracking.postgres import free_port, needs_postgres, new_database, postgres

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "mlflow"
SERVICES = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
SECRETS = {"POSTGRES_PASSWORD", "MLFLOW_ADMIN_PASSWORD", "MLFLOW_SECRET_KEY"}
GIVEN = {
    "POSTGRES_PASSWORD": "",
    "MLFLOW_ADMIN_PASSWORD": "correct-horse",
    "MLFLOW_SECRET_KEY": "k",
}
USES = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def filled(text, given):
    """Fill in what compose would; no secret may have a default."""
    return USES.sub(lambda use: given.get(use[1], use[3] if use[2] == "-" else ""), text)


def test_the_compose_file_fits_the_compose_specification():
    """The schema is that of the Compose specification (Apache-2.0), as Compose 1.29 ships it."""
    schema = json.loads((HERE / "compose_spec.json").read_text())
    jsonschema.validate(yaml.safe_load((FOLDER / "compose.yaml").read_text()), schema)


def test_every_secret_is_required_and_asked_for():
    uses = USES.findall((FOLDER / "compose.yaml").read_text())
    assert {name for name, kind, _ in uses if kind == "?"} == SECRETS
    assert {name for name, kind, _ in uses if kind != "?"} & SECRETS == set()
    asked = dict(re.findall(r"^(\w+)=(.*)$", (FOLDER / ".env.example").read_text(), re.M))
    assert asked.keys() == {name for name, _, _ in uses}
    assert {name for name, value in asked.items() if not value} == SECRETS


def test_images_are_pinned_as_the_tests_run_them():
    pins = dict(re.findall(r"([\w-]+)==([\w.]+)", (FOLDER / "Dockerfile").read_text()))
    tested = dict(
        re.findall(r"([\w-]+)==([\w.]+)", (FOLDER.parent / "constraints.txt").read_text())
    )
    assert pins == {name: tested[name] for name in ("mlflow", "Flask-WTF", "psycopg2-binary")}
    assert SERVICES["mlflow"]["image"].endswith(f":{pins['mlflow']}")
    assert all(re.search(r":\d+\.\d+", service["image"]) for service in SERVICES.values())


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_than_it_needs(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert all(service[limit] for limit in ("mem_limit", "cpus", "pids_limit"))


def test_what_a_service_writes_is_a_volume_or_gone_with_it():
    """A root file system that is read-only leaves these places, and no other."""
    writes = {
        "postgres": {"/tmp", "/run/postgresql"},
        "mlflow": {"/tmp", "/home/mlflow"},
        "acn-eval": {"/tmp", "/home/acn"},
        "worker": {"/tmp", "/home/acn"},
    }
    for name, service in SERVICES.items():
        assert {place.partition(":")[0] for place in service["tmpfs"]} == writes[name]
        bound = [volume for volume in service["volumes"] if volume.startswith(".")]
        assert all(volume.endswith(":ro") for volume in bound)
    docker = (FOLDER / "Dockerfile").read_text()
    assert "USER mlflow\nWORKDIR /home/mlflow\n" in docker
    assert SERVICES["postgres"]["user"] == "postgres"
    docker = (FOLDER / "service.Dockerfile").read_text()
    assert "USER acn\nWORKDIR /var/lib/acn-eval\n" in docker


def test_no_secret_is_copied_into_an_image():
    """What a layer held stays in it: `.env`, with every password, must not be sent at all."""
    lines = (FOLDER / "service.Dockerfile.dockerignore").read_text().splitlines()
    rules = [line for line in lines if not line.startswith("#")]
    assert rules[0] == "*"
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert not any(name.startswith((".", "mlflow")) for name in kept)
    assert all((FOLDER.parent / name).exists() for name in kept)


def test_the_service_and_its_worker_are_of_this_version_and_can_be_started():
    """Both commands take their options, and both read the YAML beside the compose file."""
    from acn_eval.cli.main import cli
    from acn_eval.service.settings import read_settings

    (profile,) = read_settings(FOLDER / "service.yaml").profiles
    assert profile.baseline == "@champion"
    for name in ("acn-eval", "worker"):
        service = SERVICES[name]
        assert service["image"] == f"acn-eval:{version('acn-eval')}"
        program, command, *options = service["command"]
        parsed = cli.get_command(None, command).make_context(command, options)
        assert (program, parsed.params["config"].name) == ("acn-eval", "service.yaml")
        assert service["volumes"][1] == f"./service.yaml:{parsed.params['config']}:ro"
        given = service["environment"]
        assert (
            given["MLFLOW_TRACKING_URI"].removeprefix("http://")
            in (SERVICES["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"])
        )
        created = (FOLDER / "users.sql").read_text()
        assert f"CREATE DATABASE {given['ACN_EVAL_DATABASE'].rpartition('/')[2]};" in created


@contextmanager
def started(address, folder, given=GIVEN):
    """The service `mlflow` of the compose file, without its container, on a PostgreSQL here."""
    asked = {k: filled(v, given) for k, v in SERVICES["mlflow"]["environment"].items()}
    host, _, port = address.rpartition("@")[2].partition(":")
    asked |= {
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": "acn",
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": str(free_port()),
        "MLFLOW_AUTH_CONFIG_PATH": str(FOLDER / "auth.ini"),
    }
    own = f"127.0.0.1:{asked['MLFLOW_PORT']}"
    asked["MLFLOW_SERVER_ALLOWED_HOSTS"] = asked["MLFLOW_SERVER_ALLOWED_HOSTS"].replace(
        "127.0.0.1:5000", own
    )
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PG"))}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *SERVICES["mlflow"]["command"]],
            cwd=folder,
            env={**plain, **asked, "PYTHONSAFEPATH": "1"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process, f"http://{own}"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 15)
            process.wait(20)


def healthy(process, address, seconds=150):
    give_up = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < give_up:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return True
    return False


def status(address, user="", host="", body=None):
    """The HTTP status of a question about experiments, or about users where there is a body."""
    path = "users/create" if body else "experiments/search?max_results=1"
    request = urllib.request.Request(f"{address}/api/2.0/mlflow/{path}")
    if body:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    if user:
        request.add_header("Authorization", f"Basic {b64encode(user.encode()).decode()}")
    if host:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as exc:
        exc.close()
        return exc.code


@pytest.fixture(scope="module")
def database():
    with postgres() as address:
        new_database(address, "mlflow")
        new_database(address, "mlflow_users")
        yield address


@needs_postgres
@pytest.mark.slow
def test_without_a_password_it_does_not_start(database, tmp_path):
    given = {**GIVEN, "MLFLOW_ADMIN_PASSWORD": ""}
    with started(database, tmp_path, given) as (process, address):
        assert not healthy(process, address)
    assert "MLFLOW_AUTH_ADMIN_PASSWORD" in (tmp_path / "log").read_text()


@needs_postgres
@pytest.mark.slow
def test_people_with_a_password_record_into_the_same_experiment(database, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    results, comparisons, artifacts = saved_pair(tmp_path / "acn-results")
    with started(database, tmp_path) as (process, address):
        assert healthy(process, address), (tmp_path / "log").read_text()
        admin = f"admin:{GIVEN['MLFLOW_ADMIN_PASSWORD']}"
        assert status(address) == 401
        assert status(address, "admin:password1234") == 401
        assert status(address, admin) == 200
        assert status(address, admin, host="evil.example.com") == 403
        for name in ("ada", "bob"):
            person = {"username": name, "password": f"{name}-has-a-long-one"}
            assert status(address, admin, body=person) == 200
            monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
            monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", person["password"])
            runs = record(
                results, comparisons, tracking_uri=address, cwd=tmp_path, artifacts=artifacts
            ).runs
            again = record(
                [fake_result(seed=len(name) + ord(name[0]))], tracking_uri=address, cwd=tmp_path
            )
            assert len(runs) == 3
            assert len(again.runs) == 1
        # A double of ada's run, as two machines leave it; bob may not delete what is hers.
        with_double(address, results[0])
        assert record(results, tracking_uri=address, cwd=tmp_path).runs.keys() < runs.keys()
    assert list((tmp_path / "artifacts").rglob("cells-*.parquet"))
    with connected(f"{database}/mlflow") as ask:
        states = [state for (state,) in ask("SELECT status FROM runs")]
    assert states == ["FINISHED"] * 6


def with_double(address, result):
    from mlflow import MlflowClient

    client = MlflowClient(address)
    experiment = client.get_experiment_by_name("acn-eval/robustness").experiment_id
    (run,) = client.search_runs([experiment], f"tags.`acn_eval.key` = '{result.key}'")
    tags = {k: run.data.tags[k] for k in ("acn_eval.key", "acn_eval.digest")}
    double = client.create_run(experiment, run.info.start_time + 1, tags)
    client.set_terminated(double.info.run_id)


def environment(name, *, host, port, uri):
    """The environment of a service of the compose file, for its command outside of a container."""
    asked = {k: filled(v, GIVEN) for k, v in SERVICES[name]["environment"].items()}
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PG", "ACN_"))}
    here = {"PGHOST": host, "PGPORT": port, "PGUSER": "acn", "MLFLOW_TRACKING_URI": uri}
    return {**plain, **asked, **here, "PYTHONUNBUFFERED": "1"}


@needs_postgres
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_service_and_its_worker_do_a_job_for_whoever_has_a_token(database, tmp_path):
    """The commands of the compose file, on PostgreSQL and a server of MLflow with passwords."""
    new_database(database, "acn_eval")
    host, _, port = database.rpartition("@")[2].partition(":")
    with started(database, tmp_path) as (process, uri):
        assert healthy(process, uri), (tmp_path / "log").read_text()
        given = environment("acn-eval", host=host, port=port, uri=uri)
        given |= {"ACN_EVAL_HOME": str(tmp_path / "home"), "ACN_EVAL_CACHE": str(tmp_path / "c")}
        options = ["--config", FOLDER / "service.yaml"]
        wide = [*options, "--host", "0.0.0.0", "--port", str(free_port()), "--workers", "0"]
        assert "acn-eval token create" in commanded("serve", *wide, env=given).stderr
        made = commanded("token", "create", "ada", "--scope", "admin", env=given)
        token = re.search(r"acn_[\w-]+", made.stdout)[0]
        with (
            running(tmp_path / "serve", "serve", *wide, env=given),
            running(tmp_path / "worker", "worker", *options, env=given) as worker,
        ):
            asked = {"ACN_EVAL_SERVER": f"http://127.0.0.1:{wide[5]}"}
            given |= asked
            ready_by(f"{asked['ACN_EVAL_SERVER']}/readyz", tmp_path)
            assert "Bearer" in commanded("jobs", env=given).stderr
            done = commanded("submit", "check", "--wait", env={**given, "ACN_EVAL_TOKEN": token})
            assert done.returncode == 0, done.stderr
            worker.terminate()
            assert worker.wait(60) == 0


def commanded(*words, env):
    command = [sys.executable, "-P", "-m", "acn_eval", *map(str, words)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


@contextmanager
def running(file, *words, env):
    """A command that goes on, whose output is in a file."""
    with file.open("wb") as log:
        command = [sys.executable, "-P", "-m", "acn_eval", *map(str, words)]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def ready_by(address, folder, seconds=120):
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise AssertionError(*(f.read_text() for f in (folder / "serve", folder / "worker")))
