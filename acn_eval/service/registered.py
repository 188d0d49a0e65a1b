"""What a model registry holds, read within limits."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from acn_eval.errors import TrackingError
from acn_eval.foreign_text import is_unicode
from acn_eval.service.records import Target
from acn_eval.stores import TrackingStore, tracking_errors
from acn_eval.stores.server_check import Heard

__all__ = ["Model", "Registered", "model_of", "pages", "reached", "version_at", "version_of"]

_PAGE = 1000
_MOST = 200_000  # versions
_NAME = re.compile(r"[^/:\0]{1,256}")  # as in MLflow, but for NUL, which PostgreSQL does not take
_LARGEST = 2**31
_PROMPT = "mlflow.prompt.is_prompt"  # prompts lie among the models
_NO_ALIAS = re.compile(r"alias .* not found", re.IGNORECASE)  # to MLflow, this is a wrong value


@dataclass(frozen=True)
class Registered:
    """A version of a registered model."""

    model: str
    version: int
    created_ms: int
    ready: bool

    @property
    def address(self) -> str:
        """Where commands find it."""
        return f"models:/{self.model}/{self.version}"

    def target(self, profile: str, against: str = "") -> Target:
        """Return what a job of a profile about it is about."""
        return Target(profile, self.model, self.version, self.created_ms, against)


@dataclass(frozen=True)
class Model:
    """A registered model: versions by alias, and its tags."""

    aliases: Mapping[str, int]
    tags: Mapping[str, str]


@contextmanager
def reached(store: TrackingStore) -> Iterator[Any]:
    """Yield a client of a registry.

    It is the one beneath `MlflowClient`, which reads all versions of a model before it writes a
    tag of one. Only a store that may have no tables yet is locked: others write meanwhile.

    Raises:
        TrackingError: it does not answer, or with something else.
    """
    made = store.server or (store.database is not None and store.database.exists())
    with tracking_errors(store):
        with nullcontext() if made else store.lock():
            store.client()
        from mlflow.tracking._model_registry.client import ModelRegistryClient

        client = ModelRegistryClient(store.uri, store.uri)
        yield Heard(client) if store.server else client


def pages(client: Any, store: TrackingStore) -> Iterator[list[Registered]]:
    """Yield all versions of all models, a thousand at a time, the earliest first.

    What cannot be a version, such as one with a number below 1, is left out. An answer that is
    empty is an empty registry: what was lost with it is found by the next look.

    Raises:
        MlflowException: the registry does not answer.
        TrackingError: more than 200,000 of them.
    """
    token = None
    for _ in range(_MOST // _PAGE):
        page = client.search_model_versions(
            "", max_results=_PAGE, order_by=["creation_timestamp ASC"], page_token=token
        )
        yield [held for held in map(_registered, page) if held]
        token = page.token
        if not token:
            return
    msg = f"{store.shown}: must hold at most {_MOST:,} versions of models"
    raise TrackingError(f"{msg}; got more")


def model_of(client: Any, name: str) -> Model | None:
    """Return a registered model with its aliases; None if there is none."""
    held = _found(lambda: client.get_registered_model(name))
    if held is None:
        return None
    aliases = {alias: int(version) for alias, version in (held.aliases or {}).items()}
    return Model(aliases, held.tags or {})


def version_of(
    client: Any, model: str, version: int
) -> tuple[Registered, Mapping[str, str]] | None:
    """Return a version and its tags; None if the registry says that there is none.

    Raises:
        TrackingError: it says something else; no version is given up for that.
    """
    held = _found(lambda: client.get_model_version(model, str(version)))
    if held is None:
        return None
    found = _registered(held)
    if found is None or (found.model, found.version) != (model, version):
        raise TrackingError(f"models:/{model}/{version}: must be answered with this version")
    return found, held.tags or {}


def version_at(client: Any, model: str, alias: str) -> int | None:
    """Return the number of the version that an alias points to; None if it points to none."""
    held = _found(lambda: client.get_model_version_by_alias(model, alias))
    return None if held is None else int(held.version)


def _found(ask: Callable[[], Any]) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as exc:
        if exc.error_code == "RESOURCE_DOES_NOT_EXIST" or _NO_ALIAS.search(str(exc)):
            return None
        raise


def _registered(held: Any) -> Registered | None:
    try:
        version, created = int(held.version), int(held.creation_timestamp)
    except (TypeError, ValueError):
        return None
    name = held.name
    named = isinstance(name, str) and _NAME.fullmatch(name) and is_unicode(name)
    if not named or not 0 < version < _LARGEST or _PROMPT in (held.tags or {}):
        return None
    return Registered(name, version, created, held.status == "READY")
