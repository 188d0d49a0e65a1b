"""A lease that one process holds."""

from threading import Event, Thread

import pytest

from acn_eval.service.lock import Lock, LockLost


def test_one_holds_it_until_it_is_released(database):
    ours, theirs = (Lock(database, "watcher", owner) for owner in ("a", "b"))
    assert ours.take()
    assert ours.take()
    assert not theirs.take()
    theirs.release()
    assert not theirs.take()
    ours.release()
    assert theirs.take()


def test_a_lease_that_ran_out_is_taken_over_and_its_owner_cannot_write(database):
    dead, heir = Lock(database, "watcher", "a", seconds=-1.0), Lock(database, "watcher", "b")
    assert dead.take()
    assert heir.take()
    with pytest.raises(LockLost, match="must be held by a"), database.write() as connection:
        dead.require(connection)
    with database.write() as connection:
        heir.require(connection)
    assert not dead.take()


def test_alone_outlasts_the_lease(either):
    ours, theirs = (Lock(either, "watcher", owner, seconds=0.0) for owner in ("a", "b"))
    entered = Event()

    def enter():
        with theirs.alone():
            entered.set()

    thread = Thread(target=enter)
    with ours.alone():
        thread.start()
        assert theirs.take()
        assert not entered.wait(0.3)
    thread.join()
    assert entered.is_set()
