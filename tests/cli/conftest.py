"""A running service for the commands that talk to one."""

import threading

import pytest


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """A service and its address; nobody takes its jobs but the tests."""
    from acn_eval.service.api import create_app
    from acn_eval.service.database import Database
    from acn_eval.service.service import Service
    from acn_eval.service.settings import Settings
    from acn_eval.service.tables import METADATA
    from acn_eval.stores import TrackingStore
    from tests.service.served import served

    folder = tmp_path_factory.mktemp("service")
    database = Database.at(f"sqlite:///{folder / 'service.db'}")
    METADATA.create_all(database.engine)
    store = TrackingStore("http://127.0.0.1:9")
    service = Service(Settings(), database, store, folder, "http://127.0.0.1:8000")
    with served(create_app(service)) as address:
        yield service, address


@pytest.fixture
def jobs(running, monkeypatch):
    """The queue of a running service, which the commands find by the environment."""
    service, address = running
    monkeypatch.setenv("ACN_EVAL_SERVER", address)
    monkeypatch.delenv("ACN_EVAL_TOKEN", raising=False)
    return service.jobs


@pytest.fixture
def worker(jobs):
    """Call it with what jobs end with: a thread takes all that come until the test ends."""
    stop, started = threading.Event(), []

    def work(state, result=None, error=None):
        def take():
            while not stop.wait(0.02):
                if claim := jobs.claim("worker"):
                    jobs.beat(claim, (1, 2))
                    jobs.finish(claim, state, result=result, error=error)

        started.append(threading.Thread(target=take))
        started[-1].start()

    yield work
    stop.set()
    for thread in started:
        thread.join()
