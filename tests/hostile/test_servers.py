"""A server that is none costs one line, exit 4 and seconds; an address that is none, exit 2."""

import logging
from importlib import import_module

import pytest

from acn_eval.figures import draw_missing
from acn_eval.stores.store import quiet_environment
from acn_eval.tracking import find
from tests.fakes import saved_pair
from tests.hostile.harness import command
from tests.hostile.servers import HTTP, MALFORMED, POSTGRES, closed_port, serving

quiet_environment()
for _module in ("mlflow.store.tracking.rest_store", "mlflow.utils.rest_utils", "psycopg2"):
    import_module(_module)  # so that no child has to
SECONDS, SIZE = 20.0, 300 << 20
SAMPLE = ("page", "canary in a refusal")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder with results and their figures, ready to be recorded."""
    folder = tmp_path_factory.mktemp("results")
    draw_missing(*saved_pair(folder))
    assert find([folder]).results
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Stray files would be seen; MLflow asks again once, at once, and logs errors only."""
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    logger = logging.getLogger("mlflow")  # another test may have imported it as a notebook does
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


def judged(folder, address, code):
    """What is wrong with how an upload to an address ends."""
    ending = command("upload", folder, "--tracking-uri", address, limit=40)
    faults = ending.faults([code], seconds=SECONDS, size=SIZE)
    raw = [c for c in ("\x1b", "\x00", "\x9b", "\u202e", "::error::", "SECRET") if c in ending.err]
    return (*faults, *map(repr, raw), ending.err) if faults or raw else ()


def asked(folder, address, answer):
    with serving(answer) as port:
        return judged(folder, address.format(port=port), 4)


def faults(folder, names):
    found = {name: asked(folder, "http://u:SECRET@127.0.0.1:{port}", HTTP[name]) for name in names}
    return {name: fault for name, fault in found.items() if fault}


def databases(folder, names):
    address = "postgresql+psycopg2://me:SECRET@127.0.0.1:{port}/runs"
    found = {name: asked(folder, address, POSTGRES[name]) for name in names}
    return {name: fault for name, fault in found.items() if fault}


def test_a_sample_of_servers(results):
    assert faults(results, SAMPLE) == {}


def test_a_sample_of_databases(results):
    assert databases(results, ("canary",)) == {}


@pytest.mark.parametrize(
    "scheme", ["http", pytest.param("postgresql+psycopg2", marks=pytest.mark.slow)]
)
def test_nobody_listens(results, scheme):
    assert judged(results, f"{scheme}://me:SECRET@127.0.0.1:{closed_port()}/x", 4) == ()


def test_a_sample_of_addresses(results, tmp_path):
    assert {a: judged(results, a, 2) for a in MALFORMED[::18] if judged(results, a, 2)} == {}
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_server(results):
    assert len(HTTP) >= 50
    assert faults(results, HTTP) == {}


@pytest.mark.slow
def test_every_database(results):
    assert databases(results, POSTGRES) == {}


@pytest.mark.slow
def test_every_address(results, tmp_path):
    found = {address: judged(results, address, 2) for address in MALFORMED}
    assert {address: fault for address, fault in found.items() if fault} == {}
    assert list((tmp_path / "home").iterdir()) == []
