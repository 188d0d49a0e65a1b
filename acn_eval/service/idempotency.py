"""Keys with which clients send a request again without meaning another one.

Equal requests are one job only until a worker takes it. A key shows that two were meant to be one
even then, or though they differ: draft-ietf-httpapi-idempotency-key-header, version 07.
"""

import hashlib

from sqlalchemy import delete, select

from acn_eval.errors import ConfigError
from acn_eval.service import tables as t
from acn_eval.service.database import Database

__all__ = ["require_same_request"]

_SECONDS = 86400.0  # after which a key may be used for something else


def require_same_request(database: Database, who: str, key: str, request: str) -> float:
    """Return when somebody first used a key, for the request with this content key.

    Raises:
        ConfigError: the key was used for another request within a day.
        TrackingError: the database does not answer.
    """
    digest = hashlib.sha256(f"{who}\n{key}".encode()).hexdigest()
    keys = t.idempotency
    values = {"key": digest, "request": request, "at": database.now}
    with database.write() as connection:
        connection.execute(delete(keys).where(keys.c.at < database.now - _SECONDS))
        connection.execute(database.insert(keys).values(values).on_conflict_do_nothing())
        asked = select(keys.c.request, keys.c.at).where(keys.c.key == digest)
        held, at = connection.execute(asked).one()
    if held != request:
        msg = "`Idempotency-Key`: must belong to one request; another one was sent with it"
        raise ConfigError(f"{msg}. Choose a new key.")
    return float(at)
