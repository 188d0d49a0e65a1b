"""What requests may name: checkpoints, data and gates of the registry, the package, and the roots.

The API asks before it queues a request, and the process of a job asks again, for every name that
is opened: a link may have changed meanwhile, and files name further ones.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from urllib.parse import unquote

from acn_eval.errors import AcnEvalError, CheckpointError, ConfigError, DataError
from acn_eval.foreign_text import is_unicode
from acn_eval.reach import Kind
from acn_eval.service.requests import Check, Evaluate, Judge
from acn_eval.service.settings import Settings
from acn_eval.shipped import shipped
from acn_eval.stores import TrackingStore, in_mlflow, model_name
from acn_eval.stores.addresses import path_in_run

__all__ = ["Sources"]

_LIBRARY = re.compile(r"(?P<name>(?:timm|torchvision):[\w.-]+)(?:@(?P<file>.+))?", re.ASCII)
_FOLDER = re.compile(r"hf:(?P<path>.+?)(?P<pairs>@pairs)?")
_HUB = re.compile(r"hf:[\w-][\w.-]*/[\w.-]+(?:@pairs)?", re.ASCII)
_DATA = re.compile(r"(?P<scheme>npz|folder|wds|parquet|hfds|tsv|jsonl|text):(?P<path>.+)")
_BUILT_IN = re.compile(r"digits|cifar100?|synthetic-sentences|glue:[\w-]+", re.ASCII)
_YAML = (".yaml", ".yml")
_ROOTS = "a folder in `roots`"


@dataclass(frozen=True)
class Sources:
    """What the requests to a service may name.

    Attributes:
        roots: folders, below which files of checkpoints and data lie; or such files.
        suites: YAMLs of suites and gates.
        downloads: whether names of public hubs may be downloaded.
        artifacts: where an SQLite store of MLflow keeps its files; None for another store.
    """

    roots: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    downloads: bool = False
    artifacts: str | None = None

    @staticmethod
    def of(settings: Settings, store: TrackingStore) -> "Sources":
        """Return what a service allows: what its settings list, and what its profiles name."""
        profiles = settings.profiles
        gates = (p.gate for p in profiles if p.gate.endswith(_YAML))
        named = (name for p in profiles for name in (p.baseline, p.anchor) if name)
        files = (name for name in named if os.path.isabs(name))
        return Sources(
            roots=tuple(map(os.path.abspath, (*settings.roots, *files))),
            suites=tuple(dict.fromkeys(map(os.path.abspath, (*settings.suites, *gates)))),
            downloads=settings.downloads,
            artifacts=str(store.artifacts) if store.artifacts else None,
        )

    def admitted(self, request: Check | Evaluate | Judge) -> Check | Evaluate | Judge:
        """Return a request with the path of its YAML, unless that is shipped.

        Files of checkpoints and data keep their names: they get their places where they are
        opened, by the same rules.

        Raises:
            CheckpointError, ConfigError, DataError: it names what it may not.
        """
        if isinstance(request, Check):
            return request
        self.data(request.data.name)
        if isinstance(request, Evaluate):
            for address in (*request.candidates, *(request.baselines or ())):
                self.checkpoint(address)
            return request.model_copy(update={"suite": self.suite(request.suite)})
        for address in filter(None, (request.candidate, request.baseline, request.anchor)):
            self.checkpoint(address)
        return request.model_copy(update={"gate": self.suite(request.gate)})

    def __call__(self, kind: Kind, name: str) -> str:
        """Return what to open, as a rule of `reach`."""
        return {"checkpoint": self.checkpoint, "data": self.data, "place": self.place}[kind](name)

    def checkpoint(self, address: str) -> str:
        """Return the address of a checkpoint, with its place where it is a file.

        Raises:
            CheckpointError: it may not be named.
        """
        plain = not _unsafe(address) and "," not in address and not has_magic(address)
        place = self._checkpoint(address) if plain else None
        if place is None:
            what = f"models:/NAME/3, runs:/ID/PATH, a shipped checkpoint, or a file below {_ROOTS}"
            raise CheckpointError(f"{address!r}: must be one address, {what} of the service")
        return place

    def data(self, name: str) -> str:
        """Return the name of data, with its place where it is a file; "" leaves it to the cards.

        Raises:
            DataError: it may not be named.
        """
        if not name or _BUILT_IN.fullmatch(name):
            return name
        found = None if _unsafe(name) else _DATA.fullmatch(name)
        if not found:
            what = f"built in, or a path below {_ROOTS} of the service, as folder:PATH"
            raise DataError(f"data: must be {what}; got {name!r}")
        return f"{found['scheme']}:{self._below(found['path'], DataError)}"

    def suite(self, name: str) -> str:
        """Return a shipped suite or gate by its name, or the path of a YAML that is known.

        Raises:
            ConfigError: it may not be named.
        """
        if (
            re.fullmatch(r"[\w-]+", name, re.ASCII)
            and (shipped("suites") / f"{name}.yaml").exists()
        ):
            return name
        ending = f"/{os.path.normpath(name)}"
        found = [path for path in self.suites if name == path or path.endswith(ending)]
        if len(found) == 1:
            return found[0]
        known = ", ".join([*map(os.path.basename, self.suites)][:5]) or "none"
        what = f"shipped, or one file that `suites` of the service lists ({known})"
        raise ConfigError(f"{name!r}: must be {what}")

    def place(self, path: str) -> str:
        """Return a place of this machine that the registry names, or that a link leads to.

        Raises:
            CheckpointError: it lies elsewhere than the store's own files and the roots.
        """
        if _is_below(path, (*self.roots, *filter(None, [self.artifacts]))):
            return path
        what = f"must lie in the store's own folder, or below {_ROOTS} of the service"
        raise CheckpointError(f"{path!r}: {what}")

    def _checkpoint(self, address: str) -> str | None:
        if in_mlflow(address):
            return address if model_name(address) or _in_run(address) else None
        if found := _LIBRARY.fullmatch(address):
            if found["file"]:
                return f"{found['name']}@{self._below(found['file'], CheckpointError)}"
            return address if self.downloads else None
        if found := _FOLDER.fullmatch(address):
            if self.downloads and _HUB.fullmatch(address):
                return address
            folder = self._below(found["path"], CheckpointError)
            return f"hf:{folder}{found['pairs'] or ''}" if os.path.isdir(folder) else None
        return None if ":" in address else self._below(address, CheckpointError)

    def _below(self, path: str, kind: type[AcnEvalError]) -> str:
        """Return where a path lies below a root; a relative one is looked for in each of them."""
        roots = (*self.roots, str(shipped("checkpoints")))
        places = [path] if os.path.isabs(path) else [os.path.join(root, path) for root in roots]
        there = next((place for place in places if os.path.lexists(_file_of(place))), places[0])
        if not _is_below(there, roots):
            raise kind(f"{path!r}: must lie below {_ROOTS} of the service, or be shipped")
        return os.path.realpath(there)


def _unsafe(name: str) -> bool:
    """Whether a name is empty, or has `..`, a backslash or a control character."""
    parts = unquote(unquote(name)).replace("\\", "/").split("/")
    return not (name.strip() and name.isprintable() and is_unicode(name)) or (
        ".." in parts or "\\" in name
    )


def _in_run(address: str) -> bool:
    found = path_in_run(address)
    return found is not None and "%" not in address and "//" not in address


def _is_below(path: str, roots: Iterable[str]) -> bool:
    """Whether a path, and the file of ``PATH@COLUMN``, lies below a root, all links followed."""
    real = [Path(os.path.realpath(place)) for place in {path, _file_of(path)}]
    held = [Path(os.path.realpath(root)) for root in roots]
    return all(any(place.is_relative_to(root) for root in held) for place in real)


def _file_of(path: str) -> str:
    """Return ``PATH`` of ``PATH@COLUMN``, unless there is a path with such a name."""
    before, _, _ = path.rpartition("@")
    return before if before and not os.path.lexists(path) else path
