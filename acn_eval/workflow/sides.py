"""Loads the checkpoints of both sides from addresses, patterns, shipped names, and cards."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from glob import glob, has_magic
from pathlib import Path

from acn_eval.checkpoints import Checkpoint, find, load, load_file, reframed
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.run_options import RunOptions
from acn_eval.shipped import shipped
from acn_eval.statistics.soundness import same_network
from acn_eval.studies.compare import network_key

__all__ = ["Sides", "resolve", "source_of"]

_NAMED = ("timm:", "torchvision:", "module:")  # a name, and perhaps a file or a pattern behind @


@dataclass(frozen=True)
class Sides:
    """The checkpoints that are compared; without baselines they are measured alone.

    `several` says whether a side holds several networks: all of them are then ranked.
    """

    candidates: list[Checkpoint]
    baselines: list[Checkpoint]
    several: bool = False


def resolve(options: RunOptions) -> Sides:
    """Load the checkpoints of both sides.

    Where no baselines are given, the card of a network names its own; several networks are ranked
    among themselves. A candidate that is also a baseline is a baseline.

    Both sides are empty where nothing is named: suites may train networks of their own.

    Raises:
        CheckpointError: one is not there, or cannot be read.
        ConfigError: only baselines are named, or a pattern matches no file.
    """
    if not options.candidates and not options.baselines:
        return Sides([], [])
    if not options.candidates:
        msg = "`baselines`: needs `candidates`; both must be left out where a suite trains"
        raise ConfigError(msg, "baselines", "candidates")
    candidates = _loaded(_addresses("candidates", options.candidates), options, options.arch)
    many = _several(candidates, options)
    if options.baselines is None and not many:
        pairs = [checkpoint.pair for checkpoint in candidates]
        twins = [pair for pair in pairs if pair]
        baselines = [load_file(uri) for uri in twins] if len(twins) == len(pairs) else []
        return Sides(candidates, _reframed(baselines, options))
    if not options.baselines:
        return Sides(candidates, [], several=many)
    uris = _addresses("baselines", options.baselines)
    baselines = _loaded(uris, options, options.baseline_arch)
    if many:
        candidates = [
            c for c in candidates if not any(same_network(c.id, b.id) for b in baselines)
        ]
    several = _several(candidates, options) or _several(baselines, options)
    return Sides(candidates, baselines, several=several)


def source_of(options: RunOptions, file: Path) -> Checkpoint:
    """Load the first candidate, which is to be exported to a file.

    Raises:
        ConfigError: the file has an unknown suffix, or is that of the candidate.
    """
    if file.suffix not in {".pt", ".safetensors"}:
        raise ConfigError(f"`export`: must end in .pt or .safetensors; got {file}", "export")
    source = resolve(replace(options, baselines=())).candidates[0]
    if _is_file_of(source, file):
        msg = f"`export`: must be another file than the checkpoint; got {file}"
        raise ConfigError(msg, "export")
    return source


def _is_file_of(source: Checkpoint, file: Path) -> bool:
    with suppress(CheckpointError):  # it comes from no file
        return file.exists() and file.samefile(find(source.id.uri))
    return False


def _several(side: Sequence[Checkpoint], options: RunOptions) -> bool:
    """Whether a side holds more than one network."""
    return len({network_key(checkpoint.id, group=options.group) for checkpoint in side}) > 1


def _loaded(uris: Iterable[str], options: RunOptions, arch: str | None = None) -> list[Checkpoint]:
    store = options.tracking_uri
    return _reframed([load(uri, arch, tracking_uri=store) for uri in uris], options)


def _reframed(found: list[Checkpoint], options: RunOptions) -> list[Checkpoint]:
    return [reframed(c, options.framing) for c in found] if options.framing else found


def _addresses(side: str, given: tuple[str, ...]) -> list[str]:
    """Split at commas, and expand patterns in this folder or among the shipped checkpoints."""
    parts = [part for text in given for part in text.split(",") if part.strip()]
    if not parts:
        got = repr(given[-1]) if given else "none"
        raise ConfigError(f"`{side}`: must name a checkpoint; got {got}", side)
    return [uri for part in parts for uri in _expanded(part)]


def _expanded(uri: str) -> list[str]:
    name, at, file = uri.partition("@")
    if uri.startswith(_NAMED):
        files = sorted(glob(file)) if has_magic(file) else []
        return [f"{name}{at}{found}" for found in files] or [uri]
    if not has_magic(uri):
        return [uri]
    matches = sorted(glob(uri)) or sorted(glob(uri, root_dir=shipped("checkpoints")))
    if not matches:
        raise ConfigError(f"{uri}: must match a checkpoint here or among the shipped; none does")
    return matches
