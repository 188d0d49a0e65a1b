"""The alias moves to a version that passed, unless something has changed."""

from contextlib import suppress
from threading import Thread

import pytest

from acn_eval.service.access.audit import Audit
from acn_eval.service.lock import Lock, LockLost
from acn_eval.service.mirroring import mirror
from acn_eval.service.registered import reached
from tests.service.registry import PROFILE, ends, jobs_of, look, register, tags, watched
from tests.service.test_mirroring import Crash, Fragile


@pytest.fixture
def champion(service):
    """A service and a client; version 1 is the champion, version 2 waits."""
    service = watched(service)
    client, _ = register(service.store)
    client.set_registered_model_alias("vit", "champion", "1")
    look(service)
    ends(service, verdict="no_verdict")
    register(service.store)
    look(service)
    return service, client


def alias(client):
    return int(client.get_model_version_by_alias("vit", "champion").version)


def test_a_version_that_passed_becomes_the_champion(champion):
    service, client = champion
    assert tags(client, 1)["gate"] == "no_verdict"
    ends(service, against="models:/vit/1")
    look(service)
    assert alias(client) == 2
    said = "promoted: models:/vit@champion is version 2"
    assert tags(client, 2)["promotion"] == said
    look(service)
    noted = [(own.who, own.what, own.detail) for own in Audit(service.database).page()]
    assert noted.count(("profile nightly", "alias", said)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("verdict", ["fail", "no_verdict"])
def test_without_a_pass_it_stays(champion, verdict):
    service, client = champion
    ends(service, verdict=verdict, against="models:/vit/1")
    look(service)
    assert alias(client) == 1
    assert "promotion" not in tags(client, 2)


@pytest.mark.slow
def test_where_the_champion_changed_meanwhile_the_version_is_judged_once_more(champion):
    service, client = champion
    register(service.store)
    look(service)
    first = service.jobs.claim("slow")
    ends(service, against="models:/vit/1")  # version 3 is faster
    client.delete_registered_model_alias("vit", "champion")
    client.set_registered_model_alias("vit", "champion", "2")  # by a person, meanwhile
    look(service)
    again = jobs_of(service)[-1]
    assert (again.version, again.request.baseline) == (3, "models:/vit/2")
    assert tags(client, 3)["job"] == str(jobs_of(service)[-2].id)
    look(service)
    assert tags(client, 3)["job"] == str(again.id)
    assert tags(client, 3)["state"] == "queued"
    assert ends(service, against="models:/vit/2").id == again.id
    look(service)
    assert alias(client) == 3
    service.jobs.release(first)


@pytest.mark.slow
def test_out_of_order_ends_never_move_it_back(champion):
    service, client = champion
    register(service.store)
    look(service)
    slow = service.jobs.claim("slow")
    ends(service, against="models:/vit/1")
    look(service)
    assert alias(client) == 3
    result = {"verdict": "pass", "baseline": {"address": "models:/vit/1"}, "test_set": "f"}
    service.jobs.finish(slow, "done", result=result)
    look(service)
    assert alias(client) == 3
    expected = "not promoted: models:/vit@champion is version 3, which is newer"
    assert tags(client, 2)["promotion"] == expected
    assert len(jobs_of(service)) == 3


def test_what_a_person_moved_back_stays_there_though_tags_could_not_be_written(champion):
    service, client = champion
    ends(service, against="models:/vit/1")
    lock = Lock(service.database, "watcher", "a")
    assert lock.take()
    with reached(service.store) as real, pytest.raises(Crash):
        mirror(service, Fragile(real, 2), lock, most=5)
    assert alias(client) == 2
    client.set_registered_model_alias("vit", "champion", "1")
    look(service, "a")
    assert alias(client) == 1
    assert tags(client, 2)["state"] == "done"
    renamed = watched(service, PROFILE.model_copy(update={"name": "weekly"}))
    look(renamed)
    ends(renamed, verdict="no_verdict")
    ends(renamed, against="models:/vit/1")
    look(renamed)
    assert alias(client) == 1
    said = "not promoted once more: models:/vit@champion was version 2 before"
    assert tags(client, 2)["weekly.promotion"] == said


@pytest.mark.slow
def test_nobody_moves_it_while_another_does(champion):
    service, client = champion
    ends(service, against="models:/vit/1")
    slow = Lock(service.database, "watcher", "slow", seconds=0.0)
    assert slow.take()
    heir = Lock(service.database, "watcher", "heir")
    waited = []

    def inherit():
        with heir.alone():
            heir.take()

    class Slow:
        """While it moves the alias, its lease has run out, and an heir wants the lock."""

        def __init__(self, client):
            self._client = client

        def __getattr__(self, name):
            return getattr(self._client, name)

        def set_registered_model_alias(self, *arguments):
            thread.start()
            thread.join(0.5)
            waited.append(thread.is_alive())
            self._client.set_registered_model_alias(*arguments)

    thread = Thread(target=inherit)
    with reached(service.store) as real, suppress(LockLost):
        mirror(service, Slow(real), slow, most=5)
    thread.join()
    assert waited == [True]
    assert not slow.take()
    assert alias(client) == 2


@pytest.mark.slow
def test_what_a_person_moved_back_stays_there(champion):
    service, client = champion
    ends(service, against="models:/vit/1")
    look(service)
    client.set_registered_model_alias("vit", "champion", "1")
    for _ in range(2):
        look(service)
    assert alias(client) == 1
    assert len(jobs_of(service)) == 2


@pytest.mark.slow
def test_an_alias_that_is_no_more_is_not_made_again(champion):
    service, client = champion
    client.delete_registered_model_alias("vit", "champion")
    ends(service, against="models:/vit/1")
    look(service)
    assert tags(client, 2)["promotion"].startswith("not promoted: models:/vit@champion is no ver")


@pytest.mark.slow
@pytest.mark.parametrize(("verdict", "moves"), [("pass", True), ("fail", False), (None, False)])
def test_the_anchor_of_the_model_must_be_passed_too(service, verdict, moves):
    service = watched(service)
    client, _ = register(service.store, count=2)
    client.set_registered_model_alias("vit", "champion", "1")
    client.set_registered_model_tag("vit", "acn_eval.anchor", "models:/vit/1")
    look(service)
    ends(service, verdict="no_verdict")
    assert [job.request.anchor for job in jobs_of(service)] == [None, "models:/vit/1"]
    said = {"anchor": {"verdict": verdict, "sentence": "so it is"}} if verdict else {}
    ends(service, against="models:/vit/1", **said)
    look(service)
    assert (alias(client) == 2) is moves
    assert tags(client, 2)["promotion"].startswith(
        "promoted" if moves else "not promoted: against"
    )


@pytest.mark.slow
def test_with_another_baseline_an_alias_that_is_not_there_is_made(service):
    service = watched(service, PROFILE.model_copy(update={"baseline": "previous"}))
    client, _ = register(service.store, count=3)
    look(service)
    ends(service, verdict="no_verdict")
    ends(service)
    look(service)
    assert alias(client) == 2


def test_better_than_one_that_failed_is_not_better_than_the_champion(service):
    service = watched(service, PROFILE.model_copy(update={"baseline": "previous"}))
    client, _ = register(service.store, count=3)
    client.set_registered_model_alias("vit", "champion", "1")
    look(service)
    ends(service, verdict="no_verdict")
    ends(service, verdict="fail")
    ends(service)
    look(service)
    assert alias(client) == 1
    again = jobs_of(service)[-1]
    assert (again.version, again.request.baseline) == (3, "models:/vit/1")
    ends(service)
    look(service)
    assert alias(client) == 3


@pytest.mark.slow
def test_an_anchor_that_is_set_while_a_version_waits_must_be_passed(champion):
    service, client = champion
    client.set_registered_model_tag("vit", "acn_eval.anchor", "models:/vit/1")
    ends(service, against="models:/vit/1")
    look(service)
    assert alias(client) == 1
    said = "not promoted: judged with nothing as anchor; it is models:/vit/1 now"
    assert tags(client, 2)["promotion"] == said
