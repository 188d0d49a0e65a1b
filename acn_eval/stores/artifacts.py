"""The files of a run or of a registered version: listed first, downloaded by name.

No flavour of MLflow is asked to load anything: its loaders run code from the files.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from acn_eval.errors import DAMAGED, CheckpointError, ConfigError, TrackingError
from acn_eval.foreign_text import shown
from acn_eval.reach import allowed
from acn_eval.stores.addresses import model_name, path_in_run, version_of
from acn_eval.stores.served import SERVED, served
from acn_eval.stores.store import TrackingStore

__all__ = ["Absent", "Artifacts", "artifacts_of", "require_own"]

_MOST_FILES = 1000
_DEEPEST = 5  # folders
_LOGGED = re.compile(r"models:/(?P<model>m-\w+)")
_HOPS = 4  # a version may point to a run, that to a model
_SCHEMES = ("", "file", "s3", "r2", "gs", "wasbs", "abfss", "dbfs", *SERVED)


class Absent(CheckpointError):
    """Nothing lies where files should; it may be there later, as on a share that comes back."""


@dataclass(frozen=True)
class Artifacts:
    """What an address holds.

    Attributes:
        uri: the address; of a version by its number, so that no alias moves it.
        name: in tables.
        repository: MLflow's, or `Served`, which lists and downloads.
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
            CheckpointError: too many files, one of unknown size, or one that lies elsewhere.
            Absent: there is none any more.
            TrackingError: they cannot be listed now.
        """
        found: dict[str, int] = {}
        folders = [""]
        while folders:
            folder = folders.pop()
            with _readable(self.uri):
                listed = self.repository.list_artifacts(folder or None)
            for held in listed:
                _require_below(folder, held.path, self.uri)
                if held.is_dir:
                    folders.append(held.path)
                elif held.file_size is None or held.file_size < 0:
                    raise CheckpointError(f"{self.uri}: must state the size of {held.path}")
                else:
                    found[held.path] = held.file_size
                if len(found) + len(folders) > _MOST_FILES:
                    raise CheckpointError(f"{self.uri}: must hold at most {_MOST_FILES} files")
        return found

    def fetch(self, limits: Mapping[str, int], folder: Path) -> None:
        """Download files into a folder.

        Args:
            limits: bytes that each may have, by its path.
            folder: one that exists.

        Raises:
            Absent: one is not there.
            CheckpointError: one has more, or is no file of this address.
            TrackingError: they do not come now, or the disk is full.
        """
        for name, limit in limits.items():
            if self.sizes[name] > limit:
                what = f"{name} must have at most {limit >> 20} MiB"
                raise CheckpointError(f"{self.uri}: {what}; got {self.sizes[name] >> 20}")
        with _readable(self.uri):
            for name in limits:
                self.repository.download_artifacts(name, str(folder))


def artifacts_of(client: Any, store: TrackingStore, uri: str) -> Artifacts:
    """Return what ``models:/NAME/3``, ``models:/NAME@ALIAS`` or ``runs:/ID/PATH`` holds.

    Raises:
        CheckpointError: its files cannot be read.
        TrackingError: they cannot be read now.
        ConfigError: they lie where none are looked for, as on the server of another store, or a
            library that reads the place is not installed.
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
        with _readable(uri):
            return _opened(uri, name, store, place)
    except ModuleNotFoundError as exc:
        where = urlsplit(place).scheme
        raise ConfigError(f"{uri}: lies in {where}, which needs {exc.name}. Install it.") from exc


def require_own(place: str, store: TrackingStore) -> None:
    """Refuse to write to another server than the store's, which would get the user's password.

    Raises:
        ConfigError: files of a run lie there.
    """
    try:
        if urlsplit(place).scheme in SERVED:
            served(place, store.uri)
    except ValueError as exc:
        raise ConfigError(f"{shown(place)}: must be a place for files; {exc}") from exc


def _opened(uri: str, name: str, store: TrackingStore, place: str) -> Artifacts:
    found = _repository(place, store)
    if found.list_artifacts(None):
        return Artifacts(uri, name, found)
    folder, _, only = place.rstrip("/").rpartition("/")
    return Artifacts(uri, name, _repository(folder, store), only)


def _repository(place: str, store: TrackingStore) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    from mlflow.utils.file_utils import local_file_uri_to_path

    scheme = urlsplit(place).scheme
    if scheme not in _SCHEMES:
        raise ValueError(f"they lie on {place!r}; known are {', '.join(_SCHEMES[1:])}")
    if scheme in SERVED:
        return served(place, store.uri)
    if scheme in {"", "file"}:
        allowed("place", local_file_uri_to_path(place))
    return get_artifact_repository(place, tracking_uri=store.uri)


@contextmanager
def _readable(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into one line: about the files, or about a store that is away."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, *DAMAGED) as exc:
        said = f"{uri}: must hold files that can be read; {exc!s:.500}"
        code = exc.error_code if isinstance(exc, MlflowException) else None
        if isinstance(exc, FileNotFoundError) or code == "RESOURCE_DOES_NOT_EXIST":
            raise Absent(said) from exc
        if isinstance(exc, OSError) or code not in {None, "INVALID_PARAMETER_VALUE"}:
            raise TrackingError(said) from exc
        raise CheckpointError(said) from exc


def _require_below(folder: str, path: str, uri: str) -> None:
    parts = PurePosixPath(path).parts
    plain = "/".join(parts) == path and ".." not in parts and parts[:1] != ("/",)
    inside = PurePosixPath(path).parent == PurePosixPath(folder)
    if not (plain and inside) or len(parts) > _DEEPEST:
        raise CheckpointError(f"{uri}: must list its own files; got {path}")


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
