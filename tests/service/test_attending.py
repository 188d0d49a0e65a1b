"""Leases are renewed and progress is told at the right times, with and without a database."""

import os
import time

import pytest

from acn_eval.errors import TrackingError
from acn_eval.service.attending import Beats, Presence, attend
from acn_eval.service.jobs import Jobs
from acn_eval.service.process import Child
from acn_eval.service.records import LeaseLost
from acn_eval.service.workers import Workers
from tests.service.workers import check


@pytest.fixture
def claimed(service):
    check(service, seconds=600)
    return service.jobs.claim("w", lease=60.0)


@pytest.fixture
def beats(service, claimed):
    presence = Presence(Workers(service.database), "w")
    return Beats(service.jobs, claimed, 60.0, presence)


class Away(Jobs):
    """A queue whose database does not answer."""

    def beat(self, *arguments, **options):
        raise TrackingError("away")


def test_progress_is_told_once_a_second_and_the_lease_is_renewed_without_any(service, beats):
    def lease():
        with service.database.read() as connection:
            return connection.exec_driver_sql("SELECT lease FROM job").scalar()

    now, told = 100.0, []
    for step in range(100):
        beats.progress = (step, 100)
        assert beats.beat(now + step / 10)
        told.append(service.jobs.job(beats.claim.id).done)
    assert sorted({*told}) == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]
    before = lease()
    beats.beat(now + 11)
    beats.beat(now + 11.5)
    assert lease() > before
    renewed = lease()
    beats.beat(now + 12)
    assert lease() == renewed


def test_a_database_that_is_away_is_asked_less_and_less_often(service, beats):
    beats.jobs = Away(service.database)
    asked = []
    for second in range(100):
        before = beats._renew
        assert beats.beat(float(second))
        asked += [second] if beats._renew != before else []
    assert asked == [0, 1, 3, 7, 15, 30, 45, 60, 75, 90]
    beats.jobs = service.jobs
    service.jobs.cancel(beats.claim.id)
    assert not beats.beat(1000.0)


def test_a_lease_that_was_lost_is_an_error(service, beats, claimed):
    service.jobs.release(claimed)
    service.jobs.claim("other")
    with pytest.raises(LeaseLost):
        beats.beat(1.0)


def test_a_worker_is_there_with_its_job(service):
    workers = Workers(service.database)
    presence = Presence(workers, "w")
    presence.tell(0.0)
    assert [own.job for own in workers.alive()] == [None]
    presence.tell(0.5, 7)
    assert [own.job for own in workers.alive()] == [None]
    presence.tell(1.5, 7)
    assert [own.job for own in workers.alive()] == [7]
    presence.leave()
    assert workers.alive() == []


def test_a_message_that_cannot_be_read_is_an_error_of_the_job(beats, monkeypatch, tmp_path):
    monkeypatch.setattr("acn_eval.service.process._LINE", 10)
    child = Child(os.environ, tmp_path, warm=False)
    try:
        child._part = b"x" * 20
        child.give({"check": {"steps": 1, "seconds": 0}}, tmp_path / "log")
        ended = attend(child, beats, 60.0, lambda: False)
    finally:
        child.close()
    assert ended.how == "answered"
    assert "must report in short lines of JSON; " in ended.answer["error"]
    assert ended.answer["code"] != 2  # which another attempt could not help


@pytest.mark.parametrize("how", ["answered", "died", "late", "cancelled", "left", "lost"])
def test_a_process_ends_in_one_of_these_ways(service, beats, claimed, tmp_path, how):
    seconds = 0 if how == "answered" else 600
    child = Child(os.environ, tmp_path, warm=False)
    try:
        child.give({"check": {"steps": 1, "seconds": seconds}}, tmp_path / "log")
        if how == "died":
            os.kill(child.pid, 9)
        if how == "cancelled":
            service.jobs.cancel(claimed.id)
        if how == "lost":
            service.jobs.release(claimed)
        begin = time.monotonic()
        limit = 0.0 if how == "late" else 60.0
        ended = attend(child, beats, limit, lambda: how == "left")
        assert ended.how == how
        assert time.monotonic() - begin < 30
    finally:
        child.close()
