"""The files of a run or of a registered version: listed first, downloaded by name.

No flavour of MLflow is asked to load anything: its loaders run code from the files.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.stores.addresses import model_name, path_in_run, version_of
from acn_eval.stores.store import TrackingStore

__all__ = ["Artifacts", "artifacts_of"]

_MOST_FILES = 1000
_DEEPEST = 5  # folders
_LOGGED = re.compile(r"models:/(?P<model>m-\w+)")
_HOPS = 4  # a version may point to a run, that to a model


@dataclass(frozen=True)
class Artifacts:
    """What an address holds.

    Attributes:
        uri: the address; of a version by its number, so that no alias moves it.
        name: in tables.
        repository: MLflow's, which lists and downloads.
        only: the name of the one file that the address names; "" for a folder.
    """

    uri: str
    name: str
    repository: Any
    only: str = ""

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Bytes of every file by its path.

        Raises:
            CheckpointError: too many files, or one of unknown size or with a path that leaves.
        """
        found: dict[str, int] = {}
        folders = [""]
        while folders:
            for held in self.repository.list_artifacts(folders.pop() or None):
                parts = PurePosixPath(held.path).parts
                if not parts or parts[0] == "/" or ".." in parts or len(parts) > _DEEPEST:
                    raise CheckpointError(f"{self.uri}: must list its own files; got {held.path}")
                if held.is_dir:
                    folders.append(held.path)
                elif held.file_size is None:
                    raise CheckpointError(f"{self.uri}: must state the size of {held.path}")
                else:
                    found[held.path] = held.file_size
                if len(found) + len(folders) > _MOST_FILES:
                    raise CheckpointError(f"{self.uri}: must hold at most {_MOST_FILES} files")
        return found

    def fetch(self, names: Collection[str], folder: Path) -> None:
        """Download files by their paths into a folder."""
        for name in names:
            self.repository.download_artifacts(name, str(folder))


def artifacts_of(client: Any, store: TrackingStore, uri: str) -> Artifacts:
    """Return what ``models:/NAME/3``, ``models:/NAME@ALIAS`` or ``runs:/ID/PATH`` holds.

    Raises:
        ConfigError: a library that reads the place is not installed.
        MlflowException: there is no such version, model or run.
    """
    name = PurePosixPath(uri).stem
    if model_name(uri):
        version = version_of(client, uri)
        uri, name = (
            f"models:/{version.name}/{version.version}",
            f"{version.name}_v{version.version}",
        )
    place = _place(client, uri)
    try:
        return _opened(uri, name, store, place)
    except ModuleNotFoundError as exc:
        where = urlsplit(place).scheme
        raise ConfigError(f"{uri}: lies in {where}, which needs {exc.name}. Install it.") from exc


def _opened(uri: str, name: str, store: TrackingStore, place: str) -> Artifacts:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    found = get_artifact_repository(place, tracking_uri=store.uri)
    if found.list_artifacts(None):
        return Artifacts(uri, name, found)
    folder, _, only = place.rstrip("/").rpartition("/")
    return Artifacts(uri, name, get_artifact_repository(folder, tracking_uri=store.uri), only)


def _place(client: Any, uri: str) -> str:
    """Return where the files lie: an address of no other thing in MLflow."""
    for _ in range(_HOPS):
        if model_name(uri) and not _LOGGED.fullmatch(uri):
            held = version_of(client, uri)
            uri = client.get_model_version_download_uri(held.name, held.version)
        elif logged := _LOGGED.fullmatch(uri):
            uri = client.get_logged_model(logged["model"]).artifact_location
        elif found := path_in_run(uri):
            uri = _place_in_run(client, *found)
        else:
            return uri
    raise ConfigError(f"{uri}: must point to files; it points to another address")


def _place_in_run(client: Any, run: str, path: str) -> str:
    """Return where a path of a run lies: among its artifacts, or those of a model it logged."""
    held = client.get_run(run)
    name, _, rest = path.partition("/")
    for output in held.outputs.model_outputs if held.outputs else ():
        model = client.get_logged_model(output.model_id)
        if model.name == name:
            return _below(model.artifact_location, rest)
    return _below(held.info.artifact_uri, path)


def _below(place: str, path: str) -> str:
    return f"{place.rstrip('/')}/{path}" if path else place
