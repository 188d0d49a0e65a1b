"""Many jobs at once, whose looks are counted."""

import json

import pytest

from acn_eval.service.arriving import Arrival, submit_many, waiting
from acn_eval.service.jobs import Jobs
from acn_eval.service.lock import Lock, LockLost
from acn_eval.service.records import Target
from acn_eval.service.requests import Check, Judge
from acn_eval.service.settings import Profile
from tests.service.registry import ends, jobs_of, look, register, watched


def arrivals(count, *, first=1, profile="n", baseline="res_vit.pt"):
    for number in range(first, first + count):
        request = Judge(candidate=f"models:/vit/{number}", baseline=baseline)
        yield Arrival(request, Target(profile, "vit", number, 0), spends=True)


def test_what_is_there_stays_and_looks_go_on_behind_it(database):
    lock = Lock(database, "watcher", "a")
    assert lock.take()
    assert submit_many(arrivals(3), lock) == 3
    assert submit_many(arrivals(1203), lock) == 1200
    assert submit_many(arrivals(1203), lock) == 0
    submit_many(arrivals(1, profile="m"), lock)
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT profile, version, request FROM job").all()
        events = connection.exec_driver_sql("SELECT count(DISTINCT job) FROM event").scalar()
    assert events == 1204
    assert all(f'"look":{version if profile == "n" else 1}' in r for profile, version, r in rows)


def test_a_version_is_one_job_whatever_is_asked_about_it(either):
    lock = Lock(either, "watcher", "a")
    assert lock.take()
    first, made_again = (Target("gate", "vit", 3, created) for created in (1000, 2000))
    for baseline, target, new in (("a", first, 1), ("b", first, 0), ("a", made_again, 1)):
        asked = Judge(candidate="models:/vit/3", baseline=baseline)
        assert submit_many([Arrival(asked, target)], lock) == new
    jobs = Jobs(either).page(model="vit", version=3)
    assert [(job.key, job.request.baseline) for job in jobs] == [
        (made_again.key, "a"),
        (first.key, "a"),
    ]


def test_what_is_measured_alone_has_no_look(database):
    lock = Lock(database, "watcher", "a")
    assert lock.take()
    for first, baseline in ((1, None), (2, "models:/vit/2"), (3, "res_vit.pt"), (4, None)):
        submit_many(arrivals(1, first=first, baseline=baseline), lock)
    submit_many(arrivals(2, first=5), lock)
    with database.read() as connection:
        requests = connection.exec_driver_sql("SELECT request FROM job ORDER BY id").scalars()
        looks = [json.loads(request)["look"] for request in requests]
    assert looks == [0, 0, 1, 0, 2, 3]


def test_only_the_holder_of_the_lock_submits(database):
    assert Lock(database, "watcher", "heir").take()
    with pytest.raises(LockLost):
        submit_many(arrivals(1), Lock(database, "watcher", "a"))


@pytest.mark.slow
def test_looks_are_counted_once_and_never_reused(service):
    spending = Profile(name="n", baseline="res_vit.pt", spend_alpha=True)
    service = watched(service, spending, replace_me := Profile(name="m", baseline="previous"))
    assert not replace_me.spend_alpha
    register(service.store, count=2)
    look(service)
    ends(service, state="refused")
    register(service.store, count=2)
    look(service)
    looks = {(job.profile, job.version): job.request.look for job in jobs_of(service)}
    assert [looks["n", v] for v in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert {looks["m", v] for v in (1, 2, 3, 4)} == {0}


def test_what_others_ask_takes_no_place_of_a_version(database):
    lock = Lock(database, "watcher", "a")
    assert lock.take()
    for number in range(3):
        Jobs(database).submit(Check(name=str(number)), by="me")
    submit_many(arrivals(2), lock)
    assert waiting(database) == 2


@pytest.mark.slow
def test_versions_come_where_the_queue_is_full_of_requests(service):
    service = watched(service, queue=1)
    service.jobs.submit(Check(), by="me")
    register(service.store)
    look(service)
    assert [job.model for job in jobs_of(service)] == [None, "vit"]


@pytest.mark.slow
def test_the_queue_has_a_limit_and_nothing_is_lost(service):
    service = watched(service, queue=2)
    register(service.store, count=5)
    for done in (0, 2, 4):
        look(service)
        assert len(jobs_of(service)) == min(done + 2, 5)
        while service.jobs.counts().get("queued"):
            ends(service, verdict="no_verdict")
