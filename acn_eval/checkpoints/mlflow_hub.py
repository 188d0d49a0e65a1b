"""``models:/NAME/3``, ``models:/NAME@ALIAS``, ``runs:/ID/PATH``: weights that MLflow keeps.

What a version holds is listed, and of it the one checkpoint is downloaded. MLflow's own loaders
are never called: they unpickle, and import what a model names.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from acn_eval.checkpoints.hugging_face import WEIGHTS
from acn_eval.checkpoints.weight_files import IF_TRUSTED, card_of
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.stores import (
    TrackingStore,
    in_mlflow,
    model_name,
    opened,
    resolve_store,
    tracking_errors,
)
from acn_eval.stores.addresses import ADDRESSES, path_in_run, version_of
from acn_eval.stores.artifacts import Absent, Artifacts, artifacts_of

__all__ = ["Fetched", "downloaded", "fetched"]

_LARGEST = 16 * 2**30
_OURS = {".pt", ".safetensors"}
_RUNNING = {".pth", ".pt2", ".pkl", ".pickle", ".joblib", ".py"}
_MUST = "{}: must hold one checkpoint, .safetensors or .pt"
_SETTINGS = "config.json"
_LARGEST_SETTINGS = 2**25


@dataclass(frozen=True)
class Fetched:
    """A checkpoint of MLflow on this machine.

    Attributes:
        uri: its address; of a version by its number.
        local: what `load` takes.
        name: in tables; "" for a file that acn-eval registered, which keeps its own.
        folder: where it was downloaded to; None for such a file.
        sha256: of such a file; "" where nothing is known.
    """

    uri: str
    local: str
    name: str = ""
    folder: Path | None = None
    sha256: str = ""


@contextmanager
def fetched(uri: str, tracking_uri: str | None) -> Iterator[Fetched]:
    """Download the checkpoint of an address into a folder that is gone after the body.

    Raises:
        CheckpointError: it holds none, several, or files above the limits.
        Absent: it holds nothing at all.
        ConfigError: there is no such address.
        TrackingError: the store does not answer, or the disk is full.
    """
    store = _store(uri, tracking_uri)
    with tempfile.TemporaryDirectory() as folder:
        with opened(store, uri) as client:
            found = _measured(client, uri) or artifacts_of(client, store, uri)
        if isinstance(found, Artifacts):
            found = _downloaded(found, store, Path(folder))
        yield found


@contextmanager
def downloaded(uri: str, tracking_uri: str | None) -> Iterator[tuple[Path, list[str]]]:
    """Download all that an address holds; yield the folder, and the paths in it.

    Raises:
        CheckpointError: files above the limits.
        ConfigError, TrackingError: as `fetched`.
    """
    store = _store(uri, tracking_uri)
    with tempfile.TemporaryDirectory() as folder:
        with opened(store, uri) as client:
            artifacts = artifacts_of(client, store, uri)
        with tracking_errors(store):
            names = [artifacts.only] if artifacts.only in artifacts.sizes else [*artifacts.sizes]
            artifacts.fetch(dict.fromkeys(names, _LARGEST), Path(folder))
        yield Path(folder), names


def _store(uri: str, tracking_uri: str | None) -> TrackingStore:
    if not model_name(uri) and not path_in_run(uri):
        raise ConfigError(f"{uri}: must be {ADDRESSES}, or runs:/ID/PATH")
    return resolve_store(tracking_uri, cwd=Path.cwd())


def _downloaded(artifacts: Artifacts, store: TrackingStore, folder: Path) -> Fetched:
    with tracking_errors(store):  # without its lock: others record while weights travel
        wanted = _wanted(artifacts)
        artifacts.fetch(wanted, folder)
    local = folder / next(iter(wanted))
    at = f"hf:{local.parent}" if local.with_name(_SETTINGS).exists() else str(local)
    return Fetched(artifacts.uri, at, artifacts.name, folder)


def _measured(client: Any, uri: str) -> Fetched | None:
    """Return the file of a version that a gate registered: the version holds its result alone."""
    tags = version_of(client, uri).tags if model_name(uri) else {}
    file = tags.get("acn_eval.uri", "")
    if not file or in_mlflow(file):
        return None
    sha256 = tags.get("acn_eval.sha256", "")
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise CheckpointError(f"{uri}: must state the sha256 of the file that was registered")
    return Fetched(uri, file, sha256=sha256)


def _wanted(artifacts: Artifacts) -> dict[str, int]:
    """Return the limits of a file of weights and of what belongs to it, the weights first."""
    sizes = artifacts.sizes
    if artifacts.only:
        found = [path for path in sizes if path == artifacts.only]
    else:
        found = [path for path in sizes if _is_weights(path, sizes)]
    if not sizes or (artifacts.only and not found):
        raise Absent(f"{_MUST.format(artifacts.uri)}; got no files")
    if len(found) != 1:
        raise CheckpointError(_refusal(artifacts, found), "trust")
    settings = dict.fromkeys(_belonging(found[0], sizes), _LARGEST_SETTINGS)
    return {found[0]: _LARGEST, **settings}


def _is_weights(path: str, sizes: Mapping[str, int]) -> bool:
    own = PurePosixPath(path)
    return own.suffix in _OURS or card_of(own, sizes) is not None


def _belonging(weights: str, sizes: Mapping[str, int]) -> list[str]:
    """Return the card beside weights, or the settings of a folder that transformers saved."""
    own = PurePosixPath(weights)
    if card := card_of(own, sizes):
        return [card]
    if own.name == WEIGHTS and str(own.with_name(_SETTINGS)) in sizes:
        texts = (path for path in sizes if PurePosixPath(path).suffix in {".json", ".txt"})
        return [path for path in texts if PurePosixPath(path).parent == own.parent]
    return []


def _refusal(artifacts: Artifacts, found: list[str]) -> str:
    what = _MUST.format(artifacts.uri)
    if found:
        return f"{what}; got {', '.join(sorted(found)[:5])}. Name one: runs:/ID/PATH."
    held = sorted(artifacts.sizes)
    running = [path for path in held if PurePosixPath(path).suffix in _RUNNING]
    if running:
        runs = f"got {running[0]}, which may run code when it is loaded"
        return f"{what}; {runs}. {IF_TRUSTED}"
    return f"{what}; got {', '.join(held[:5])}"
