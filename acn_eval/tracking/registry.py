"""The model registry: what an address points to, versions of checkpoints, verdicts and aliases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acn_eval.config_files import JSON_BYTES
from acn_eval.errors import ConfigError
from acn_eval.foreign_text import plain
from acn_eval.results import CELLS_BYTES, EvalResult, is_cells
from acn_eval.stores.addresses import ADDRESSES, RUN, version_of
from acn_eval.stores.artifacts import Artifacts, artifacts_of
from acn_eval.stores.store import TrackingStore, opened
from acn_eval.tracking.run_content import model_key, tags_of

__all__ = ["Registry", "Version", "download"]

_RESULT = "result.json"
_ANCHOR = "acn_eval.anchor"


@dataclass(frozen=True)
class Version:
    """One version of a registered model; what is not recorded is "".

    Attributes:
        uri: of the checkpoint file that was evaluated.
        sha256: of that file.
        run: id of the arm run that measured it.
    """

    name: str
    number: str
    uri: str
    sha256: str
    run: str

    @property
    def measured(self) -> bool:
        """Whether acn-eval registered it; another holds its weights itself."""
        return bool(self.uri or self.sha256)

    @property
    def address(self) -> str:
        """The fixed address, which no alias moves."""
        return f"models:/{self.name}/{self.number}"


@dataclass(frozen=True)
class Registry:
    """Reads and writes the registry of a store; every method opens it under its lock.

    Raises:
        ConfigError: an address that does not exist or was not written by acn-eval.
        TrackingError: the store does not answer.
    """

    store: TrackingStore

    def result(self, uri: str, folder: Path) -> EvalResult:
        """Return the stored result of a ``runs:/ID``, downloaded into a folder."""
        found = re.fullmatch(RUN, uri)
        if not found:
            raise ConfigError(f"{uri}: must be runs:/ID or {ADDRESSES}")
        with opened(self.store, uri) as client:
            held = artifacts_of(client, self.store, uri)
            if not download(held, folder):
                msg = f"{uri}: must be an arm run of acn-eval, with {_RESULT} and its cells"
                raise ConfigError(f"{msg}; got {', '.join(sorted(held.sizes)[:5]) or 'no files'}")
        return EvalResult.load(folder)

    def version(self, uri: str) -> Version:
        """Return the version that a ``models:/NAME@ALIAS`` or ``models:/NAME/3`` names."""
        with opened(self.store, uri) as client:
            return _version(version_of(client, uri))

    def register(self, name: str, result: EvalResult, run: str) -> Version:
        """Return the version of a model that holds this network, a new one where there is none.

        Another machine may do the same: numbers count up, so both keep the lower one.
        """
        key = model_key(result)
        with opened(self.store, f"models:/{name}") as client:
            _make_model(client, name)
            if held := _versions(client, name, key):
                return _version(held[0])
            uri = result.checkpoint.uri
            where = str(Path(uri).absolute()) if Path(uri).is_file() else uri
            tags = tags_of({"model": key, "uri": where, "sha256": result.checkpoint.sha256})
            made = client.create_model_version(name, f"runs:/{run}/{_RESULT}", run, tags)
            first = _versions(client, name, key)[0]
            if first.version != made.version:
                client.delete_model_version(name, made.version)
            return _version(first)

    def tag_run(self, run: str, tags: Mapping[str, str]) -> None:
        """Write tags on a run; the same again changes nothing."""
        with opened(self.store, f"runs:/{run}") as client:
            for name, value in tags.items():
                client.set_tag(run, name, plain(value))

    def tag_version(self, version: Version, tags: Mapping[str, str]) -> None:
        """Write tags on a version."""
        with opened(self.store, version.address) as client:
            for name, value in tags.items():
                client.set_model_version_tag(version.name, version.number, name, plain(value))

    def anchor(self, name: str) -> str | None:
        """Return the address of the version that later ones are compared with, if it is set."""
        with opened(self.store, f"models:/{name}") as client:
            held: str | None = client.get_registered_model(name).tags.get(_ANCHOR)
        return held

    def drop_anchor(self, name: str, uri: str) -> None:
        """Set the anchor of a model."""
        with opened(self.store, f"models:/{name}") as client:
            client.set_registered_model_tag(name, _ANCHOR, uri)

    def promote(self, version: Version, alias: str) -> None:
        """Point an alias to a version."""
        with opened(self.store, version.address) as client:
            client.set_registered_model_alias(version.name, alias, version.number)


def _make_model(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name, tags={"acn_eval.kind": "checkpoint"})
    except MlflowException as exc:
        if exc.error_code != "RESOURCE_ALREADY_EXISTS":  # of another machine
            raise


def _versions(client: Any, name: str, key: str) -> list[Any]:
    """Return the versions of a model that hold this network, in order."""
    found = client.search_model_versions(f"name = '{name}'")
    own = [held for held in found if held.tags.get("acn_eval.model") == key]
    return sorted(own, key=lambda held: int(held.version))


def _version(held: Any) -> Version:
    tags = held.tags or {}
    return Version(
        name=held.name,
        number=str(held.version),
        uri=tags.get("acn_eval.uri", ""),
        sha256=tags.get("acn_eval.sha256", ""),
        run=held.run_id or "",
    )


def download(run: Artifacts, folder: Path) -> bool:
    """Download the result of a run into a folder; False if it has none.

    Raises:
        CheckpointError: files that are too large, or cannot be read.
    """
    cells = list(filter(is_cells, run.sizes))
    if not cells or _RESULT not in run.sizes:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    run.fetch({_RESULT: JSON_BYTES, **dict.fromkeys(cells, CELLS_BYTES)}, folder)
    return True
