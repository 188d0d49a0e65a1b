"""What is true of a job stands on its version in a real registry."""

import json
import shutil
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from acn_eval.errors import TrackingError
from acn_eval.service import tables as t
from acn_eval.service.asked import INDEPENDENT
from acn_eval.service.lock import Lock, LockLost
from acn_eval.service.mirroring import ASIDE, GONE, mirror, prefix
from acn_eval.service.registered import Registered, reached
from acn_eval.service.settings import Profile
from acn_eval.stores import TrackingStore
from tests.service.registry import PROFILE, ends, jobs_of, look, register, tags, watched

FREE = Profile(name="nightly", baseline="res_vit.pt")


def test_tags_follow_a_job_from_the_queue_to_its_verdict(service):
    service = watched(service, FREE)
    client, _ = register(service.store)
    look(service)
    page = "http://127.0.0.1:8700/jobs/1"
    queued = {"job": "1", "profile": "nightly", "report": page, "state": "queued"}
    assert tags(client, 1) == queued
    claim = service.jobs.claim("w")
    look(service)
    assert tags(client, 1) == queued | {"state": "running"}
    service.jobs.fail(claim, "MLflow sleeps\x1b[31m", counts=False)
    look(service)
    assert tags(client, 1) == queued | {"error": "MLflow sleeps\\x1b[31m"}
    service.jobs.retry(1)
    with service.database.write() as connection:
        connection.exec_driver_sql("UPDATE job SET not_before = 0")
    ends(service)
    look(service)
    assert tags(client, 1) == {
        "job": "1",
        "profile": "nightly",
        "report": f"{page}/report",
        "gate": "pass",
        "gate_name": "gate",
        "gate_baseline": "res_vit.pt",
        "sentence": "pass, says the test.",
        "asked": "This test set has given 1 verdict.",
        "state": "done",
    }


@pytest.mark.slow
@pytest.mark.parametrize("state", ["refused", "failed"])
def test_a_job_without_a_verdict_says_why(service, state):
    service = watched(service, FREE)
    client, _ = register(service.store)
    look(service)
    job = ends(service, state=state)
    look(service)
    assert tags(client, 1)["state"] == state
    assert tags(client, 1)["error"] == job.error
    assert "gate" not in tags(client, 1)


@pytest.mark.slow
def test_the_state_is_written_last_and_an_interrupted_mirror_goes_on(service):
    service = watched(service, FREE)
    client, _ = register(service.store)
    look(service)
    ends(service, verdict="fail")
    lock = Lock(service.database, "watcher", "a")
    assert lock.take()
    with reached(service.store) as real:
        for dies_after in range(1, 12):
            fragile = Fragile(real, dies_after)
            try:
                mirror(service, fragile, lock, most=5)
            except Crash:
                assert tags(client, 1)["state"] == "queued"
        assert tags(client, 1)["state"] == "done"
        assert jobs_of(service)[0].mirrored == "done 1"
        untouched = Fragile(real, 1)
        mirror(service, untouched, lock, most=5)
        with service.database.write() as connection:
            connection.exec_driver_sql("UPDATE job SET mirrored = NULL")
        mirror(service, untouched, lock, most=5)  # the same again writes nothing


class Crash(BaseException):
    """The process is killed."""


class Fragile:
    """A client whose process dies at its n-th write."""

    def __init__(self, client, dies_at):
        self._client, self._left = client, dies_at

    def __getattr__(self, name):
        if not name.startswith(("set_", "delete_")):
            return getattr(self._client, name)
        self._left -= 1
        if self._left <= 0:
            raise Crash(name)
        return getattr(self._client, name)


@pytest.mark.slow
def test_a_deleted_version_is_gone_and_no_error(service):
    service = watched(service, FREE)
    client, _ = register(service.store, count=2)
    look(service)
    claim = service.jobs.claim("w")
    client.delete_model_version("vit", "1")
    look(service)
    first, second = jobs_of(service)
    assert (first.mirrored, first.cancelled) == (GONE, True)
    assert service.jobs.beat(claim) is False
    service.jobs.finish(claim, "cancelled")
    look(service)
    first = jobs_of(service)[0]
    assert (first.mirrored, first.state) == (GONE, "cancelled")
    assert second.mirrored == "queued 0"


def test_a_look_at_an_empty_registry_costs_nothing(service, empty_store, tmp_path):
    service = watched(service, FREE)
    client, _ = register(service.store, count=3)
    look(service)
    ends(service)
    claim = service.jobs.claim("w")
    service.jobs.retry(ends(service, state="failed").id)
    shutil.copy(empty_store, tmp_path / "other.db")
    look(replace(service, store=TrackingStore(f"sqlite:///{tmp_path / 'other.db'}")))
    assert [(job.state, job.mirrored) for job in jobs_of(service)] == [
        ("done", GONE),
        ("running", GONE),
        ("cancelled", GONE),
    ]
    look(service)
    assert [job.state for job in jobs_of(service)] == ["done", "running", "queued"]
    assert service.jobs.beat(claim) is False
    service.jobs.finish(claim, "cancelled")
    look(service)
    assert [job.state for job in jobs_of(service)] == ["done", "queued", "queued"]
    ends(service), ends(service)
    look(service)
    assert [tags(client, number)["state"] for number in (1, 2, 3)] == ["done"] * 3


@pytest.mark.slow
def test_one_version_that_cannot_be_written_does_not_stop_the_others(service):
    service = watched(service, FREE)
    client, _ = register(service.store, count=2)
    client.set_model_version_tag("vit", "1", "x", "y")
    service.jobs  # noqa: B018
    look(service)
    ends(service), ends(service)
    lock = Lock(service.database, "watcher", "a")
    assert lock.take()
    from mlflow.exceptions import MlflowException

    with reached(service.store) as real, pytest.raises(MlflowException, match="forbidden"):
        mirror(service, Forbids(real, "1"), lock, most=5)
    assert [job.mirrored for job in jobs_of(service)] == [ASIDE, "done 1"]


class Forbids:
    """A registry in which some versions may not be written."""

    def __init__(self, client, versions):
        self._client, self._versions = client, versions

    def __getattr__(self, name):
        return getattr(self._client, name)

    def set_model_version_tag(self, name, version, key, value):
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import PERMISSION_DENIED

        if version in self._versions:
            raise MlflowException("forbidden", error_code=PERMISSION_DENIED)
        self._client.set_model_version_tag(name, version, key, value)


@pytest.mark.slow
def test_who_lost_the_lock_notes_nothing(service):
    service = watched(service, FREE)
    register(service.store)
    look(service)
    ends(service)
    lock = Lock(service.database, "watcher", "slow", seconds=-1)
    assert lock.take()
    assert Lock(service.database, "watcher", "heir").take()
    with reached(service.store) as client, pytest.raises(LockLost):
        mirror(service, client, lock, most=5)
    assert jobs_of(service)[0].mirrored == "queued 0"


@pytest.mark.slow
def test_the_first_profile_writes_the_plain_names_and_others_their_own(service):
    other = Profile(name="strict", models="*", baseline="res_vit.pt")
    service = watched(service, FREE, other)
    client, _ = register(service.store)
    look(service)
    found = tags(client, 1)
    assert (found["profile"], found["strict.profile"]) == ("nightly", "strict")
    assert found["strict.state"] == "queued"
    bert = Registered("bert", 1, 0, ready=True)
    assert prefix(watched(service, PROFILE).settings, bert, {}, "gone") == "acn_eval."
    assert prefix(service.settings, bert, {}, "gone") == "acn_eval.gone."


@pytest.mark.slow
def test_a_profile_that_comes_to_stand_first_leaves_names_to_who_wrote_them(service):
    client, _ = register(service.store)
    service = watched(service, FREE)
    look(service)
    ends(service)
    look(service)
    service = watched(service, Profile(name="strict", baseline="res_vit.pt"), FREE)
    look(service)
    ends(service, verdict="fail")
    look(service)
    found = tags(client, 1)
    assert (found["profile"], found["gate"]) == ("nightly", "pass")
    assert (found["strict.profile"], found["strict.gate"]) == ("strict", "fail")


@pytest.mark.slow
def test_those_that_cannot_be_written_come_last(service):
    service = watched(service, FREE)
    client, _ = register(service.store, count=4)
    look(service)
    lock = Lock(service.database, "watcher", "a")
    assert lock.take()
    from mlflow.exceptions import MlflowException

    with reached(service.store) as real:
        for _ in range(4):
            ends(service)
        for _ in range(2):
            with pytest.raises(MlflowException, match="forbidden"):
                mirror(service, Forbids(real, "123"), lock, most=3)
        assert tags(client, 4)["state"] == "done"
        assert [job.mirrored for job in jobs_of(service)] == [ASIDE] * 3 + ["done 1"]
        mirror(service, real, lock, most=3)
    assert tags(client, 1)["state"] == "done"


def test_while_a_verdict_is_replaced_the_state_is_not_final(service):
    service = watched(service, FREE)
    client, _ = register(service.store)
    look(service)
    ends(service, sentence="it passed")
    look(service)
    with service.database.write() as connection:
        later = json.dumps({"verdict": "fail", "sentence": "it failed"})
        connection.execute(update(t.job).values(result=later, verdict="fail", mirrored=None))
    lock = Lock(service.database, "watcher", "a")
    assert lock.take()
    seen = []
    with reached(service.store) as real:
        while not seen or seen[-1]["sentence"] != "it failed" or seen[-1]["state"] != "done":
            with suppress(Crash):
                mirror(service, Fragile(real, 2), lock, most=5)
            seen.append(tags(client, 1))
    assert len(seen) > 3
    assert {each["state"] for each in seen[:-1]} == {"running"}


def test_a_retried_job_is_shown_where_the_later_one_has_no_answer(service):
    service = watched(service, PROFILE.model_copy(update={"baseline": "previous"}))
    client, _ = register(service.store, count=3)
    client.set_registered_model_alias("vit", "champion", "2")
    look(service)
    ends(service, verdict="no_verdict"), ends(service, state="refused")
    ends(service, state="failed")
    look(service)
    service.jobs.cancel(jobs_of(service)[-1].id)
    look(service)
    assert tags(client, 3)["state"] == "cancelled"
    service.jobs.retry(3)
    assert ends(service).version == 3
    look(service)
    assert (tags(client, 3)["job"], tags(client, 3)["state"]) == ("3", "done")
    assert tags(client, 3)["promotion"] == "promoted: models:/vit@champion is version 3"


@pytest.mark.slow
def test_a_spent_alpha_says_when_it_is_valid(service):
    service = watched(service, FREE.model_copy(update={"spend_alpha": True}))
    client, _ = register(service.store, count=2)
    look(service)
    ends(service), ends(service, verdict="fail")
    look(service)
    assert tags(client, 1)["alpha"] == f"0.025; {INDEPENDENT}"
    assert tags(client, 2)["alpha"] == f"0.00833; {INDEPENDENT}"
    assert tags(client, 2)["asked"] == "This test set has given 2 verdicts."


@pytest.mark.slow
@pytest.mark.parametrize("changed", [{"name": ""}, {"version": "7"}, {"creation_timestamp": None}])
def test_a_rude_answer_about_a_version_gives_up_no_job(service, changed):
    service = watched(service, FREE)
    register(service.store)
    look(service)
    service.jobs.claim("w")
    lock = Lock(service.database, "watcher", "a")
    assert lock.take()
    with reached(service.store) as real, pytest.raises(TrackingError, match="must be answered"):
        mirror(service, Rude(real, changed), lock, most=5)
    (job,) = jobs_of(service)
    assert (job.state, job.cancelled, job.mirrored) == ("running", False, "queued 0")


class Rude:
    """A registry that changes what it says about a version."""

    def __init__(self, client, changed):
        self._client, self._changed = client, changed

    def __getattr__(self, name):
        return getattr(self._client, name)

    def get_model_version(self, name, version):
        held = self._client.get_model_version(name, version)
        usual = {"name": name, "version": version, "status": "READY", "tags": {}}
        usual["creation_timestamp"] = held.creation_timestamp
        return SimpleNamespace(**usual | self._changed)
