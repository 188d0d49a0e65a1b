"""Webhooks of MLflow: a signed hint that the registry has changed, so that it is read at once.

Nothing else is taken from one, for a webhook may be lost, late, or come twice: what the registry
holds is what counts. The signature is that of MLflow 3, see mlflow/webhooks/delivery.py.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from acn_eval.config_files import parse_json
from acn_eval.errors import AcnEvalError
from acn_eval.service import tables as t
from acn_eval.service.database import Database

__all__ = ["BYTES", "SECRET", "HookRefused", "Hooks", "Received"]

BYTES = 2**20
"""The longest body."""
SECRET = "ACN_EVAL_WEBHOOK_SECRET"
"""The variable that holds the secret of the webhook."""
Received = Literal["accepted", "replayed", "ignored"]
_SECONDS = 900.0  # MLflow signs once, before all of its retries
_NAMES = ("x-mlflow-signature", "x-mlflow-delivery-id", "x-mlflow-timestamp")
_ID = re.compile(r"[\w-]{1,100}", re.ASCII)
_TIME = re.compile(r"[0-9]{1,12}")
_TELLING = {
    ("model_version", "created"),
    ("model_version_alias", "created"),
    ("model_version_alias", "deleted"),
}


class HookRefused(AcnEvalError):
    """A webhook that is not from the registry, or cannot be told from one that is not.

    Args:
        status: of the answer over HTTP.
        message: one line.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Hooks:
    """Takes webhooks.

    Attributes:
        database: remembers which were taken.
        secret: that the registry signs with; None refuses all.
    """

    database: Database
    secret: str | None = field(repr=False)

    def receive(self, headers: Mapping[str, str], body: bytes, now: float) -> Received:
        """Take a webhook; only ``"accepted"`` is a reason to read the registry.

        Args:
            headers: of the request; names in any case.
            body: as it was sent.
            now: seconds since 1970, by this machine's clock.

        Raises:
            HookRefused: too long, not signed with the secret, or 15 minutes off.
            TrackingError: the database does not answer.
        """
        if len(body) > BYTES:
            raise HookRefused(413, f"webhook: must have at most {BYTES:,} bytes; got more")
        if not self.secret:
            raise HookRefused(403, f"webhook: must be signed; set {SECRET} for the service")
        delivery = _verified(headers, body, self.secret, now)
        result: Received = "accepted" if _tells(body) else "ignored"
        return result if self._is_new(delivery, result) else "replayed"

    def _is_new(self, delivery: str, result: str) -> bool:
        row = {"id": delivery, "at": self.database.now, "result": result}
        with self.database.write() as connection:
            made = self.database.insert(t.delivery).values(row)
            return connection.execute(made.on_conflict_do_nothing()).rowcount == 1


def _verified(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str:
    """Return the number of the delivery that a webhook belongs to."""
    own = {name.lower(): value for name, value in headers.items()}
    signature, delivery, timestamp = (own.get(name, "") for name in _NAMES)
    if not (_ID.fullmatch(delivery) and _TIME.fullmatch(timestamp)):
        raise HookRefused(401, f"webhook: must have the headers {', '.join(_NAMES)}")
    signed = f"{delivery}.{timestamp}.".encode() + body
    expected = hmac.digest(secret.encode(), signed, hashlib.sha256)
    if not hmac.compare_digest(_decoded(signature), expected):
        raise HookRefused(401, f"webhook: must be signed with {SECRET}")
    if abs(now - int(timestamp)) > _SECONDS:
        msg = f"webhook: must be at most {_SECONDS / 60:g} minutes old by this machine's clock"
        raise HookRefused(401, msg)
    return delivery


def _decoded(signature: str) -> bytes:
    version, _, text = signature.partition(",")
    try:
        return base64.b64decode(text, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""


def _tells(body: bytes) -> bool:
    """Whether an event is one that may bring work; unknown ones are none."""
    try:
        event = parse_json(body)
    except ValueError:
        return False
    if not isinstance(event, dict):
        return False
    return (str(event.get("entity")), str(event.get("action"))) in _TELLING
