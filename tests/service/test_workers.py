"""Workers are there as long as they say so."""

import pytest
from sqlalchemy import update

from acn_eval.errors import ConfigError
from acn_eval.service import tables as t
from acn_eval.service.workers import Workers


def test_workers_are_there_as_long_as_they_say_so(either):
    workers = Workers(either)
    workers.beat("b")
    workers.beat("a", 3)
    first, second = workers.alive()
    assert (first.name, first.job, second.name, second.job) == ("a", 3, "b", None)
    with either.read() as connection:
        assert 0 <= either.clock(connection) - first.seen < 30
    with either.write() as connection:
        connection.execute(update(t.worker).values(seen=either.now - 100.0, started=5.0))
    assert workers.alive(60.0) == []
    assert len(workers.alive(200.0)) == 2
    workers.beat("a")
    assert [own.name for own in workers.latest(2)] == ["a", "b"]
    assert [own.name for own in workers.latest(1)] == ["a"]
    (back,) = workers.alive()
    assert (back.name, back.job, back.started) == ("a", None, 5.0)
    workers.leave("a")
    assert workers.alive() == []


def test_a_value_that_does_not_fit_is_no_outage(either):
    if either.sqlite:
        pytest.skip("a column of SQLite has no length")
    with pytest.raises(ConfigError, match=r"must be given values that fit; got value too long"):
        Workers(either).beat("n" * 201)
