"""From a uri to a Checkpoint: one table of sources."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from acn_eval.checkpoints.checkpoint import Checkpoint, identify
from acn_eval.checkpoints.downloads import hub_folder
from acn_eval.checkpoints.hugging_face import WEIGHTS, json_object, read_hugging_face
from acn_eval.checkpoints.library_card import LibraryCard, read_card
from acn_eval.checkpoints.mlflow_hub import fetched
from acn_eval.checkpoints.native import Native, read_native
from acn_eval.checkpoints.official import read_official
from acn_eval.checkpoints.own_code import load_module
from acn_eval.checkpoints.preparation import prepare_of
from acn_eval.checkpoints.timm_hub import load_timm
from acn_eval.checkpoints.torchvision_hub import load_torchvision
from acn_eval.checkpoints.transformers_hub import IMAGE_MODELS, load_transformers
from acn_eval.checkpoints.weight_files import opened
from acn_eval.errors import CheckpointError, ConfigError, DataError, suggestion
from acn_eval.foreign_text import is_unicode
from acn_eval.models import Encoder, build
from acn_eval.plugins import plugin
from acn_eval.reach import allowed, require_inside
from acn_eval.shipped import shipped, shipped_checkpoints
from acn_eval.stores import in_mlflow

__all__ = ["find", "load", "load_file", "of_library"]

_APART = {"arch", "pair", "classes", "certificate"}  # of a recipe: not compared as its numbers are
_NONE = "none: its weights are not checked"
_PAIRS = "@pairs"


def load(uri: str, arch: str | None = None, *, tracking_uri: str | None = None) -> Checkpoint:
    """Load a checkpoint; nothing in a file is executed, but where ``module:`` asks for it.

    Args:
        uri: a file of ours (``.pt``, ``.safetensors``), an official ``.pth.tar`` (with `arch`),
            ``timm:NAME`` or ``torchvision:NAME``, with ``@FILE`` for local weights, ``hf:FOLDER``
            or ``hf:OWNER/NAME`` of a classifier of images or a BERT that transformers saved
            (``hf:FOLDER@pairs`` where it reads two sentences), ``module:FILE.py:FUNCTION`` of your
            own code, ``models:/NAME/3``, ``models:/NAME@ALIAS`` or ``runs:/ID/PATH`` in MLflow,
            or ``SCHEME:SPEC`` of an installed package (entry points ``acn_eval.checkpoints``). A
            bare name is looked for in the working directory, then among the shipped checkpoints.
            Weights of a library may have a card beside them, see `library_card`.
        arch: for an official file, which does not say which it is: ``official/ac-mixer``,
            ``official/res-mixer``, ``official/ac-vit`` or ``official/vit``; of a ViT with other
            heads than the authors' 8 also them: ``official/ac-vit:heads=4``.
        tracking_uri: the MLflow store of ``models:`` and ``runs:``, as in `resolve_store`.

    Raises:
        CheckpointError: missing, damaged, not trusted, of another shape, or with NaN weights; or
            `arch` given for a file that says what it is.
        MissingExtra: a library is needed and not installed.
    """
    return _load(allowed("checkpoint", uri), arch, tracking_uri)


def _load(uri: str, arch: str | None = None, tracking_uri: str | None = None) -> Checkpoint:
    scheme, _, spec = uri.partition(":")
    _check(uri)
    if scheme in _SCHEMES:
        if arch:
            msg = f"{uri}: `arch` must not be given; the name says what it is"
            raise CheckpointError(msg, "arch")
        return _SCHEMES[scheme](spec)
    if in_mlflow(uri):
        return _load_registered(uri, arch, tracking_uri)
    if added := plugin("checkpoints", scheme):
        checkpoint: Checkpoint = added(spec)
        return checkpoint
    return _load_file(uri, arch)


def find(uri: str) -> Path:
    """Return the file of a name: the working directory first, then the shipped checkpoints.

    Raises:
        CheckpointError: there is none; names the nearest shipped one.
    """
    for path in (Path(uri), shipped("checkpoints") / uri):
        if os.path.isfile(path):  # False, where Path.is_file raises: a name that is too long
            return path
    what = "it is a folder" if os.path.isdir(uri) else "there is none"
    msg = f"{uri}: must be a checkpoint file here or among the shipped ones; {what}."
    msg += suggestion(uri, shipped_checkpoints())
    raise CheckpointError(msg)


def _check(uri: str) -> None:
    if not uri.strip():
        raise CheckpointError(f"checkpoint: must be the name of a file; got {uri!r}")
    if not is_unicode(uri):
        raise CheckpointError(f"{uri!r}: must be a name in UTF-8. Rename the file.")


def load_file(uri: str, arch: str | None = None) -> Checkpoint:
    """Load a file here or among the shipped ones, which others may name: no address.

    Raises:
        CheckpointError: as `load`.
    """
    return _load_file(allowed("checkpoint", uri), arch)


def _load_file(uri: str, arch: str | None = None) -> Checkpoint:
    path = find(uri)
    if card := None if arch else read_card(path):
        return of_library(uri, path, card)
    native = read_official(path, arch) if arch else read_native(path)
    return _checkpoint(uri, path, native, _name(path))


def _load_folder(spec: str) -> Checkpoint:
    uri, named = f"hf:{spec}", spec.removesuffix(_PAIRS)
    folder = hub_folder(named, uri)
    if folder == Path(named):  # a hub's cache is made of links
        require_inside(folder)
    name = Path(named).resolve().name
    if str(json_object(folder / "config.json").get("model_type")) in IMAGE_MODELS:
        return load_transformers(folder, uri, name)
    native = read_hugging_face(folder, 2 if spec.endswith(_PAIRS) else 1)
    return _checkpoint(uri, folder / WEIGHTS, native, name)


def _load_named(library: str, spec: str) -> Checkpoint:
    """Load a name of a library; a card beside its weights states the rest."""
    uri, (name, _, file) = f"{library}:{spec}", spec.partition("@")
    card = read_card(Path(file)) if file else None
    if card is None:
        return _LIBRARIES[library](spec)
    if card.model != f"{library}:{name}":
        what = f"must name the network of the card beside the weights, {card.model}"
        raise CheckpointError(f"{uri}: {what}; got {name}")
    return of_library(uri, Path(file), card)


_LIBRARIES = {"timm": load_timm, "torchvision": load_torchvision}
_NAMED = {library: partial(_load_named, library) for library in _LIBRARIES}
_SCHEMES: Mapping[str, Callable[[str], Checkpoint]] = {
    **_NAMED,
    "hf": _load_folder,
    "module": load_module,
}


def of_library(uri: str, path: Path, card: LibraryCard) -> Checkpoint:
    """Load weights by a card.

    Raises:
        CheckpointError: the card names no library that is known, or another file or network.
    """
    if card.sha256 and card.sha256 != _sha256(path):
        raise CheckpointError(f"{path}: must be the file that its card names; its sha256 differs")
    made = _LIBRARIES[card.library](f"{card.name}@{path}", card)
    arch = {**made.id.arch, "arguments": card.made_with}  # weights do not say how many heads
    return replace(made, id=replace(made.id, name=_name(path), uri=uri, arch=arch), data=card.data)


def _load_registered(uri: str, arch: str | None, tracking_uri: str | None) -> Checkpoint:
    """Load what a version or a run holds; its twin lies elsewhere."""
    with fetched(uri, tracking_uri) as held:
        try:
            made = (_load if held.folder else load_file)(held.local, arch)
        except CheckpointError as exc:  # the user knows the address
            message = str(exc).replace(str(held.folder or uri), held.uri)
            raise CheckpointError(message, *exc.arguments) from exc
    if held.folder:
        return replace(made, id=replace(made.id, name=held.name, uri=held.uri), pair=None)
    if made.id.sha256 != held.sha256:
        what = f"must be the file that was registered, {held.local}; it has changed"
        raise CheckpointError(f"{uri}: {what}")
    return made


def _checkpoint(uri: str, path: Path, native: Native, name: str) -> Checkpoint:
    card, network = native.card, _network(path, native)
    try:
        prepare = prepare_of(card)
    except DataError as exc:
        raise CheckpointError(f"{path}: its card must say how text is read; {exc}") from exc
    sha256 = _sha256(path)
    arch = card.arch.model_dump(mode="json")
    identity = identify(network, name, uri, sha256, arch, prepare)
    return Checkpoint(
        id=replace(identity, training=_training(native)),
        model=network,
        prepare=prepare,
        classes=card.answers,
        data=card.data,
        pair=_beside(uri, path, card.pair) if card.pair else None,
        training_hashes=native.training_hashes.numpy(),
        native=native,
        named=card.named,
    )


def _sha256(path: Path) -> str:
    with opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _name(path: Path) -> str:
    """Return what a file is called in tables: a shipped one by its folder too, but for its seed.

    The shipped ``ac_vit.pt`` and ``plain/ac_vit.pt`` are two networks.
    """
    own, file = path.name.split(".")[0], path.resolve()
    folder = shipped("checkpoints").resolve()
    parts = file.parent.relative_to(folder).parts if file.is_relative_to(folder) else ()
    return "_".join([*(part for part in parts if part != "seeds"), own])


def _beside(uri: str, path: Path, name: str) -> str:
    """Return the uri of a file beside another: relative, or shipped, where the other one is."""
    beside = Path(uri).parent / name
    tidy = os.path.normpath(beside)
    if os.path.realpath(tidy) == os.path.realpath(beside):  # else a symbolic link lies between
        beside = Path(tidy)
    shadowed = path != Path(uri) and os.path.isfile(beside)
    return str(path.parent / name if shadowed else beside)


def _network(path: Path, native: Native) -> Encoder:
    """Build what the card says around the weights; nothing is allocated for a card that lies."""
    arch = native.card.arch
    if arch.depth > len(native.state):
        msg = f"{path}: weights must fit the architecture {arch.kind}; {arch.depth} blocks are not"
        raise CheckpointError(f"{msg} in {len(native.state)} tensors")
    try:
        with torch.device("meta"):
            network = build(arch)
        network.load_state_dict(native.state, assign=True)
    except (RuntimeError, ConfigError) as exc:
        first = " ".join(str(exc).split(":", 1)[-1].split())[:160]
        msg = f"{path}: weights must fit the architecture {arch.kind}; {first}"
        raise CheckpointError(msg) from exc
    return network.to(torch.float32).eval()


def _training(native: Native) -> dict[str, Any]:
    """Flatten what a fair comparison reads: budget, seed, data, the recipe's numbers."""
    card, unchecked = native.card, {} if native.checked else {"digest": _NONE}
    training = card.training
    if training is None:
        return unchecked
    recipe = dict(training.recipe)
    facts = unchecked | training.model_dump(mode="json", exclude={"recipe", "numeric_profile"})
    facts |= {"data": card.data, "data_fingerprint": card.data_fingerprint}
    facts["learning_rate"] = recipe.pop("learning_rate", None)
    kept = {k: v for k, v in recipe.items() if k not in {*_APART, *facts}}
    if start := training.started_from:  # networks of several seeds begin with as many files
        kept["start_from"] = f"{start.steps:,} steps on {start.tokens:,} tokens of {start.data}"
    return {**facts, **kept, "recipe": _in_words(kept)}


def _in_words(recipe: Mapping[str, Any]) -> str:
    """Return ``batch 64, clip 1.0, crop_padding 1, ...``: what is not zero, in one line."""
    flat = {**recipe}
    augment = flat.pop("augment", None)
    flat |= augment if isinstance(augment, dict) else {}
    return ", ".join(f"{name} {value}" for name, value in sorted(flat.items()) if value)
