"""Where outcomes are kept, as the environment says it."""

import math
import os
import re
from pathlib import Path

from platformdirs import user_cache_path

from acn_eval.cache.outcomes import OutcomeCache
from acn_eval.errors import ConfigError

__all__ = ["CACHE_ENV", "LIMIT_ENV", "default_store", "rooted"]

CACHE_ENV = "ACN_EVAL_CACHE"
LIMIT_ENV = "ACN_EVAL_CACHE_GB"
_GB = 1_000_000_000
# A file system may take `*` and its like for a pattern, and `::` for several systems.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://(?!.*::)[^/@?#*[\]]+(/[^/@?#*[\]]+)*/*")
_MEANT = re.compile(r"[a-z][a-z0-9+.-]+:/|.*://", re.IGNORECASE | re.DOTALL)  # but no C:/outcomes


def default_store() -> OutcomeCache:
    """Return the cache in ACN_EVAL_CACHE, or in the user's cache folder.

    Raises:
        ConfigError: that place has other content, or is none; or the limit is no number.
        MissingExtra: s3fs is not installed.
        StoreError: it cannot be reached.
    """
    given = os.environ.get(CACHE_ENV)
    place = _place(given) if given else user_cache_path("acn-eval") / "store"
    store = OutcomeCache(place, _limit())
    store.check()
    return store


def rooted(given: str) -> str:
    """Return the same place for processes in other folders.

    >>> rooted("s3://bucket/outcomes")
    's3://bucket/outcomes'
    """
    return given if "://" in given else str(_folder(given).absolute())


def _place(given: str) -> Path | str:
    if given.startswith("file:///"):
        return Path(given.removeprefix("file://"))
    if not _MEANT.match(given):
        return _folder(given)
    if not _ADDRESS.fullmatch(given):
        msg = f"{CACHE_ENV}: must be a folder or an address such as s3://bucket/outcomes"
        msg = f"{msg}, without an empty part and without @ ? # * [ ] ::"
        raise ConfigError(f"{msg}; got {given}. Credentials belong in the environment.")
    return given


def _folder(given: str) -> Path:
    return Path(given).expanduser() if given.startswith("~/") else Path(given)


def _limit() -> int:
    given = os.environ.get(LIMIT_ENV)
    if not given:
        return OutcomeCache.limit
    try:
        gigabytes = float(given)
    except ValueError:
        gigabytes = math.nan
    if not 0 <= gigabytes < math.inf:
        raise ConfigError(f"{LIMIT_ENV}: must be a number of gigabytes; got {given}")
    return int(gigabytes * _GB)
