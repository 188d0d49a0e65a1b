"""Artifacts behind a tracking server.

MLflow asks whatever server an address names, with the token of the user, and takes in as much as
it sends. Here it is the user's own server alone, and as much as it has stated.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from acn_eval.errors import ConfigError, TrackingError
from acn_eval.foreign_text import shown

__all__ = ["SERVED", "Served", "served"]

SERVED = ("http", "https", "mlflow-artifacts")
"""Schemes of addresses of a server."""
_API, _ARTIFACTS = "/api/2.0", "/mlflow-artifacts/artifacts"
_BLOCK = 2**16
_LONGEST_LISTING = 2**22  # bytes
_PORTS = {"http": 80, "https": 443}


class _Held(NamedTuple):
    """A file or a folder, as MLflow lists it."""

    path: str
    is_dir: bool
    file_size: int | None


@dataclass(frozen=True)
class Served:
    """A folder of artifacts, which is listed and downloaded as one of MLflow's.

    Attributes:
        server: the address of its interface, ``http://HOST:PORT/api/2.0``.
        root: the path of the folder.
    """

    server: str
    root: str
    _sizes: dict[str, int | None] = field(default_factory=dict, compare=False)

    def list_artifacts(self, path: str | None) -> list[_Held]:
        """Return what lies in a folder.

        Raises:
            TrackingError: the server does not answer with a listing of at most 4 MiB; what stands
                before it may answer in its place.
        """
        where = "/".join(part for part in (self.root, path) if part)
        try:
            with self._asked(_ARTIFACTS, params={"path": where}) as answer:
                content = b"".join(_limited(answer, _LONGEST_LISTING))
            listed = json.loads(content).get("files", [])
            found = [_held(one, f"{path}/" if path else "") for one in listed]
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as exc:
            what = f"must answer with a list of files; {type(exc).__name__}: {exc}"
            raise TrackingError(f"{shown(self.server)}: {what:.300}") from exc
        self._sizes.update({one.path: one.file_size for one in found})
        return found

    def download_artifacts(self, name: str, folder: str) -> None:
        """Download a file that was listed.

        Raises:
            TrackingError: the server does not answer, or sends another size than it listed.
        """
        stated = self._sizes[name] or 0
        file = Path(folder, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        endpoint = quote("/".join(filter(None, (_ARTIFACTS, self.root, name))))
        try:
            with self._asked(endpoint) as answer, file.open("wb") as out:
                out.writelines(_limited(answer, stated))
            if file.stat().st_size < stated:
                raise ValueError(f"got {file.stat().st_size:,}")
        except ValueError as exc:
            what = f"{name} must have the {stated:,} bytes that were listed; {exc}"
            raise TrackingError(f"{shown(self.server)}: {what}") from exc

    @contextmanager
    def _asked(self, endpoint: str, **options: Any) -> Iterator[Any]:
        from mlflow.exceptions import MlflowException
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request
        from requests import RequestException

        creds = get_default_host_creds(self.server)
        try:
            answer = http_request(
                creds, endpoint, "GET", stream=True, allow_redirects=False, **options
            )
            with closing(answer):
                if answer.status_code != 200:
                    raise RequestException(f"HTTP {answer.status_code}")
                yield answer
        except (MlflowException, RequestException) as exc:
            what = f"must send what it keeps; got {exc}"
            raise TrackingError(f"{shown(self.server)}: {what}") from exc


def served(place: str, store: str) -> Served:
    """Return the folder that an address names on the server of a store.

    Raises:
        ConfigError: it names another server, which would get the user's token.
        ValueError: it cannot be read.
    """
    asked, own = urlsplit(place), urlsplit(store)
    scheme = own.scheme if asked.scheme == "mlflow-artifacts" else asked.scheme
    elsewhere = asked.netloc and (scheme, *_host(asked, scheme)) != (
        own.scheme,
        *_host(own, scheme),
    )
    if own.scheme not in _PORTS or elsewhere or (scheme == asked.scheme and not asked.netloc):
        raise ConfigError(f"{shown(place)}: must lie on the server of the store, {shown(store)}")
    if asked.scheme == "mlflow-artifacts":
        return Served(f"{store.rstrip('/')}{_API}", asked.path.strip("/"))
    before, at, root = asked.path.partition(_ARTIFACTS)
    if not at:
        raise ValueError(f"it has no {_ARTIFACTS}")
    return Served(f"{own.scheme}://{own.netloc}{before}", root.strip("/"))


def _limited(answer: Any, most: int) -> Iterator[bytes]:
    got = 0
    for block in answer.iter_content(_BLOCK):
        got += len(block)
        if got > most:
            raise ValueError(f"got more than {most:,} bytes")
        yield block


def _host(parts: Any, scheme: str) -> tuple[str | None, int | None]:
    return parts.hostname, parts.port or _PORTS.get(scheme)


def _held(one: Any, folder: str) -> _Held:
    path, is_dir, size = one["path"], one["is_dir"], one.get("file_size")
    if not isinstance(path, str):
        raise TypeError(f"path {path!r}")
    return _Held(f"{folder}{path}", bool(is_dir), None if size is None else int(size))
