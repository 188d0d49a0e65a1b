"""What appears in a real registry gets a job."""

import time
from dataclasses import replace

import pytest

from acn_eval.errors import TrackingError
from acn_eval.service.lock import Lock
from acn_eval.service.mirroring import GONE
from acn_eval.service.settings import Profile
from acn_eval.service.watching import Watcher
from acn_eval.stores import TrackingStore
from tests.hostile.servers import HTTP, closed_port, serving
from tests.service.registry import ends, jobs_of, look, register, tags, watched

LIKE_AN_EMPTY_ONE = {
    f"at first as MLflow, then {what}"
    for what in ("empty", "nothing", "wrong types", "an id", "an id of a canary")
}


def asked(service):
    return [(job.model, job.version, job.request.baseline) for job in jobs_of(service)]


def test_every_version_gets_one_job_whoever_looks_how_often(service):
    service = watched(service)
    client, _ = register(service.store, count=2)
    register(service.store, "bert")
    client.set_registered_model_alias("vit", "champion", "1")
    for _ in range(2):
        look(service)
    assert asked(service) == [("vit", 1, "models:/vit/1"), ("vit", 2, "models:/vit@champion")]
    register(service.store, count=3)  # while nobody looks
    look(service, owner="another server")
    assert [version for _, version, _ in asked(service)] == [1, 2, 3, 4, 5]
    assert {job.submitted_by for job in jobs_of(service)} == {"watcher"}
    assert [e.data for e in service.jobs.events(jobs_of(service)[0].id)] == [{"state": "queued"}]


@pytest.mark.slow
def test_every_profile_asks_and_a_new_one_asks_about_what_is_there(service):
    first = Profile(name="a", baseline="res_vit.pt", priority=5)
    register(service.store)
    look(watched(service, first))
    look(watched(service, first, Profile(name="b", models="v?t", baseline="previous")))
    look(watched(service, first, Profile(name="c", models="V*", baseline="previous")))
    found = {(job.profile, job.priority, job.request.baseline) for job in jobs_of(service)}
    assert found == {("a", 5, "res_vit.pt"), ("b", 0, None)}


@pytest.mark.slow
def test_a_version_is_compared_with_the_one_before_that_can_be_measured(service):
    service = watched(service, Profile(name="n", baseline="previous"))
    client, _ = register(service.store, count=2)
    look(service)
    ends(service, verdict="no_verdict")
    assert ends(service, state="refused").version == 2
    client.delete_model_version("vit", str(register(service.store)[1]))
    register(service.store)
    look(service)
    assert asked(service)[2:] == [("vit", 4, "models:/vit/1")]


@pytest.mark.slow
def test_what_is_no_version_yet_or_no_model_is_left_alone(service):
    from sqlalchemy import create_engine, text

    service = watched(service, Profile(name="n", baseline="previous"))
    client, _ = register(service.store, count=2)
    client.register_prompt("prompt", "Who is better, {{a}} or {{b}}?")
    pending = "UPDATE model_versions SET status = '{}' WHERE version = 2"
    engine = create_engine(service.store.uri)
    for status, seen in (("PENDING_REGISTRATION", [1]), ("READY", [1, 2])):
        with engine.begin() as connection:
            connection.execute(text(pending.format(status)))
        look(service)
        assert [version for _, version, _ in asked(service)] == seen


@pytest.mark.slow
@pytest.mark.parametrize("days", [-400, 400])
def test_clocks_do_not_matter(service, days):
    from sqlalchemy import create_engine, text

    service = watched(service)
    register(service.store, count=3)
    engine = create_engine(service.store.uri)
    with engine.begin() as connection:
        moved = "UPDATE model_versions SET creation_time = creation_time + :ms WHERE version = 2"
        connection.execute(text(moved), {"ms": days * 86_400_000})
    look(service)
    look(service)
    assert sorted(version for _, version, _ in asked(service)) == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a@b", "ü 🦆", "a b%2F", "<b>x", "a'; DROP TABLE job; --"])
def test_models_of_any_name_get_jobs_and_tags(service, name):
    service = watched(service, Profile(name="n", baseline="previous"))
    client, _ = register(service.store, name.replace("'", "''"))
    name = client.search_registered_models()[0].name
    look(service)
    assert asked(service) == [(name, 1, None)]
    assert tags(client, 1, name)["state"] == "queued"


@pytest.mark.slow
def test_a_model_that_was_made_again_is_asked_about_again(service):
    service = watched(service)
    client, _ = register(service.store)
    look(service)
    client.delete_registered_model("vit")
    register(service.store)
    service.jobs.claim("w")
    look(service)
    first, second = jobs_of(service)
    assert (first.version, first.cancelled, first.mirrored) == (1, True, GONE)
    assert (second.version, second.state) == (1, "queued")
    assert tags(client, 1)["job"] == str(second.id)


def test_a_refused_version_of_a_deleted_model_hides_none_of_the_new_one(service):
    service = watched(service, Profile(name="n", baseline="previous"))
    client, _ = register(service.store)
    look(service)
    ends(service, state="refused")
    client.delete_registered_model("vit")
    register(service.store, count=2)
    look(service)
    assert asked(service)[1:] == [("vit", 1, None), ("vit", 2, "models:/vit/1")]


def test_one_server_looks_at_a_time(service):
    service = watched(service)
    register(service.store)
    other = Lock(service.database, "watcher", "another")
    assert other.take()
    assert look(service) is False
    assert jobs_of(service) == []
    other.release()
    look(service)
    assert len(jobs_of(service)) == 1


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_the_thread_looks_when_it_is_nudged_and_survives_an_outage(service, tmp_path):
    missing = TrackingStore(f"sqlite:///{tmp_path / 'nowhere' / 'mlflow.db'}")
    service = watched(service, poll_seconds=3600)
    broken = Watcher(replace(service, store=missing))
    watcher = Watcher(service)
    try:
        watcher.start()
        until(lambda: watcher.looked)
        register(service.store)
        watcher.nudge()
        until(lambda: jobs_of(service))
        broken.start()
        until(lambda: broken.failure)
        assert "folder that exists" in broken.failure
    finally:
        watcher.stop()
        broken.stop()


@pytest.mark.slow
@pytest.mark.parametrize("name", HTTP)
def test_a_registry_that_answers_rubbish_is_an_outage_in_one_line(service, name):
    with serving(HTTP[name]) as port:
        odd = replace(watched(service), store=TrackingStore(f"http://127.0.0.1:{port}"))
        if name in LIKE_AN_EMPTY_ONE:
            look(odd)
        else:
            with pytest.raises(TrackingError) as caught:
                look(odd)
            assert str(caught.value).isprintable()
    assert jobs_of(odd) == []


def test_a_registry_that_is_down_is_an_outage(service):
    down = replace(watched(service), store=TrackingStore(f"http://127.0.0.1:{closed_port()}"))
    with pytest.raises(TrackingError, match="must be a tracking server that answers"):
        look(down)
    assert Lock(service.database, "watcher", "x").take()
