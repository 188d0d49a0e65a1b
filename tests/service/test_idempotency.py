"""Keys of requests: the same request again is fine, another one is refused for a day."""

import pytest
from sqlalchemy import update

from acn_eval.errors import ConfigError
from acn_eval.service import tables as t
from acn_eval.service.idempotency import require_same_request


def test_a_key_belongs_to_one_request_of_one_person(database):
    at = require_same_request(database, "ci", "k", "first")
    assert require_same_request(database, "ci", "k", "first") == at > 1.7e9
    require_same_request(database, "me", "k", "second")
    with pytest.raises(ConfigError, match="must belong to one request"):
        require_same_request(database, "ci", "k", "second")


def test_a_key_is_free_after_a_day(database):
    require_same_request(database, "ci", "k", "first")
    with database.write() as connection:
        connection.execute(update(t.idempotency).values(at=t.idempotency.c.at - 86401))
    require_same_request(database, "ci", "k", "second")
