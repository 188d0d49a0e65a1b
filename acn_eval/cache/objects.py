"""Outcomes in an object store, such as S3, that fsspec reaches."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from itertools import compress
from typing import Any

from fsspec.core import url_to_fs

from acn_eval.cache.place import MARKER, REMEDY, Held
from acn_eval.errors import ConfigError, MissingExtra, StoreError

__all__ = ["Objects"]

_AT_ONCE = 32
# Where nothing answers, this takes some 20 seconds: the defaults take minutes.
_CONFIG = {
    "connect_timeout": 4,
    "read_timeout": 6,
    "retries": {"total_max_attempts": 3, "mode": "standard"},
    "max_pool_connections": 64,
}
_S3 = ("s3", "s3a")
# Errors of clients that are no OSError; none is raised before its module is imported.
_ERRORS = {
    "aiohttp.client_exceptions": "ClientError",
    "azure.core.exceptions": "AzureError",
    "botocore.exceptions": "BotoCoreError",
    "gcsfs.retry": "HttpError",
    "google.auth.exceptions": "GoogleAuthError",
}
_WRITTEN = ("LastModified", "last_modified", "updated", "mtime", "created")
_NO_BUCKET = "bucket does not exist"
_EMPTY = "requested range"  # in the answer of S3 where the first bytes of an empty object are read


class Objects:
    """A place; see `acn_eval.cache.place.Place`.

    Credentials, endpoint and region are those of the environment, and are never passed on.

    Args:
        address: e.g. ``"s3://bucket/outcomes"``.
    """

    def __init__(self, address: str) -> None:
        self._address = address.rstrip("/")
        self.marked = False  # by this process: a bucket may drop what has become old

    def read(self, names: Sequence[str], most: int) -> dict[str, bytes]:
        """Return the first bytes of what lies under these names, which are read at once."""
        with self._kept() as (system, root):
            paths = [f"{root}/{name}" for name in names]
            contents = system.cat_ranges(paths, 0, most, on_error="return")
            found = dict(zip(names, map(_content, contents), strict=True))
        return {name: content for name, content in found.items() if content is not None}

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Put objects at once; readers see each whole or not at all."""
        with self._kept() as (system, root):
            system.pipe({f"{root}/{name}": content for name, content in contents.items()})
        self.marked = self.marked or MARKER in contents

    def touch(self, name: str) -> None:
        """Do nothing: an object store knows when an object was written, not when it was read."""

    def remove(self, names: Iterable[str]) -> list[str]:
        """Remove objects at once, each by itself: `rm` may take an address for a pattern."""
        with self._kept() as (system, root):

            def stays(name: str) -> bool:
                try:
                    system.rm_file(f"{root}/{name}")
                except FileNotFoundError:  # another process removes it, too
                    return False
                except PermissionError:
                    return True
                return False

            own = list(names)
            with ThreadPoolExecutor(_AT_ONCE if system.async_impl else 1) as threads:
                return list(compress(own, threads.map(stays, own)))

    def top(self) -> Iterator[str]:
        """Yield the names at the top."""
        with self._kept() as (system, root):
            try:
                found = system.ls(root, detail=False)
            except FileNotFoundError as exc:  # nothing is there, or not even a bucket
                if _NO_BUCKET not in str(exc):
                    return
                msg = f"{self._address}: must lie in a bucket that is there. {REMEDY}"
                raise ConfigError(msg) from exc
        yield from (path.rpartition("/")[2] for path in found if path.strip("/") != root)

    def files(self) -> Iterator[Held]:
        """Yield every object below the address."""
        with self._kept() as (system, root):
            found = system.find(root, detail=True)
            start = len(root) + 1
            held = [
                Held(path.strip("/")[start:], facts["size"], _written(facts))
                for path, facts in found.items()
            ]
        yield from held

    @contextmanager
    def _kept(self) -> Iterator[tuple[Any, str]]:
        """Yield the file system, and the path of the address in it; errors become one line."""
        try:
            yield self._system()
        except _errors() as exc:
            why = (isinstance(exc, OSError) and exc.strerror) or str(exc) or type(exc).__name__
            msg = f"{self._address}: outcomes must be kept there; {why.rstrip('.')}. {REMEDY}"
            raise StoreError(msg) from exc

    def _system(self) -> tuple[Any, str]:
        """Return the file system; fsspec makes one per process, thread and way to open it."""
        protocol = self._address.partition("://")[0]
        own = {"config_kwargs": _CONFIG} if protocol in _S3 else {}
        try:
            system, root = url_to_fs(self._address, use_listings_cache=False, **own)
        except ImportError as exc:
            if protocol in _S3:
                raise MissingExtra(self._address, "s3") from exc
            raise ConfigError(f"{self._address}: must be in reach; {exc}. {REMEDY}") from exc
        except (AttributeError, TypeError, ValueError) as exc:  # it needs more than an address
            raise ConfigError(f"{self._address}: must be in reach; {exc}. {REMEDY}") from exc
        if protocol in _S3:
            system.retries = 1  # which makes the attempts of the client
        return system, root.strip("/")


def _content(found: bytes | Exception) -> bytes | None:
    if isinstance(found, FileNotFoundError):
        return None
    if isinstance(found, Exception):
        if _EMPTY in str(found):
            return b""
        raise found
    return found


def _written(facts: dict[str, Any]) -> float:
    """Return when an object was written; 0 where the store does not say it."""
    found = next((facts[name] for name in _WRITTEN if name in facts), 0.0)
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    return found.timestamp() if isinstance(found, datetime) else float(found)


def _errors() -> tuple[type[Exception], ...]:
    there = [module for module in _ERRORS if module in sys.modules]
    # ValueError: an answer that is none, such as that of a portal that wants a login.
    own = OSError, ValueError, NotImplementedError
    return (*own, *(getattr(sys.modules[module], _ERRORS[module]) for module in there))
