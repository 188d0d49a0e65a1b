"""What is true of a job stands on its version in a real registry."""

from types import SimpleNamespace

import pytest

from acn_eval.errors import TrackingError
from acn_eval.service.asked import INDEPENDENT
from acn_eval.service.lock import Lock, LockLost
from acn_eval.service.mirroring import GONE, mirror, prefix
from acn_eval.service.registered import reached
from acn_eval.service.settings import Profile
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
    assert jobs_of(service)[0].mirrored == GONE
    assert second.mirrored == "queued 0"


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
    assert [job.mirrored for job in jobs_of(service)] == ["queued 0", "done 1"]


class Forbids:
    """A registry in which one version may not be written."""

    def __init__(self, client, version):
        self._client, self._version = client, version

    def __getattr__(self, name):
        return getattr(self._client, name)

    def set_model_version_tag(self, name, version, key, value):
        from mlflow.exceptions import MlflowException

        if version == self._version:
            raise MlflowException("forbidden")
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
    assert prefix(service.settings, "vit", "gone") == "acn_eval.gone."
    assert prefix(watched(service, PROFILE).settings, "bert", "gone") == "acn_eval."


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
