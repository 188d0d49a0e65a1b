"""What a checkpoint, or a file of anyone, is; what it would be asked, and what it lacks."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import yaml

from acn_eval import atomic
from acn_eval.checkpoints import Checkpoint, image_preparation, load
from acn_eval.checkpoints.guess import Fit, fits
from acn_eval.checkpoints.library_card import LibraryCard, written_out
from acn_eval.checkpoints.load import of_library
from acn_eval.checkpoints.recognize import Seen, recognize
from acn_eval.checkpoints.weight_files import beside
from acn_eval.data.geometry import PrepareImages
from acn_eval.errors import AcnEvalError, ConfigError
from acn_eval.shipped import shipped

__all__ = ["Inspected", "inspect"]

_SHOWN = 8
_STATED = {"model", "arguments", "size", "mean", "std", "crop_pct", "crop_mode", "interpolation"}


@dataclass(frozen=True)
class Inspected:
    """What is said about a checkpoint.

    Attributes:
        facts: what it is, and what it would be asked: pairs of a label and words.
        lacks: what an evaluation may need and it does not say, in words.
        uris: what `load` takes for it, the likeliest first.
        card: where a card of it would lie, "" where it has one or can have none.
    """

    facts: Sequence[tuple[str, str]]
    lacks: Sequence[str]
    uris: Sequence[str]
    card: str = ""


def inspect(
    uri: str,
    *,
    card: Path | None = None,
    tracking_uri: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Inspected:
    """Say what an address or a file is; of a file, nothing is run.

    Args:
        uri: what `load` takes, or any file or folder.
        card: file to which the card of weights is written, to be filled in.
        tracking_uri: the MLflow store of ``models:`` and ``runs:``.
        progress: called with (networks compared, in all) where weights have no name.

    Raises:
        CheckpointError: there is nothing, it is damaged, or no checkpoint has that address.
        ConfigError: a card is asked for where none can be written, or is there already.
    """
    place = _place(uri)
    if place is None and card is None:
        return _described("a checkpoint", uri, load(uri, tracking_uri=tracking_uri))
    seen = recognize(place) if place else Seen("a checkpoint", uri)
    if seen.uri == str(place):  # a shipped one is called by its shipped name
        seen = replace(seen, uri=uri)
    if card and (not seen.tensors or card.exists()):
        what = "must be a new file, for weights that have no card"
        raise ConfigError(f"`card`: {what}; got {card} for {seen.what}", "card")
    if not seen.tensors:
        return _of_checkpoint(seen, tracking_uri)
    assert place is not None
    prefix = _prefix(seen.tensors)
    if card and prefix:
        raise ConfigError(
            f"`card`: must be of weights as a library has them; {_renamed(prefix)}", "card"
        )
    shapes = {key.removeprefix(prefix): shape for key, shape in seen.shapes.items()}
    found = fits(shapes, progress)
    if card:
        atomic.write(card, _card_of(place, found))
    return _of_weights(place, seen, prefix, found)


def _prefix(keys: Iterable[str]) -> str:
    """Return what all keys begin with, up to their first dot: the name that a trainer gives."""
    first = {key.partition(".")[0] for key in keys}
    return f"{first.pop()}." if len(first) == 1 else ""


def _place(uri: str) -> Path | None:
    """Return the file or folder of a name, here or among the shipped; None for an address."""
    for path in (Path(uri), shipped("checkpoints") / uri):
        if uri.strip() and os.path.exists(path):
            return path
    return None


def _of_checkpoint(seen: Seen, tracking_uri: str | None) -> Inspected:
    kind = ("kind", seen.what)
    if seen.archs:
        return Inspected([kind], [f"which network it is: {' or '.join(seen.archs)}"], [])
    if not seen.uri:
        return Inspected([kind, ("refused", seen.refused)], [], [])
    try:
        checkpoint = load(seen.uri, tracking_uri=tracking_uri)
    except AcnEvalError as exc:
        return Inspected([kind, ("refused", str(exc))], [], [])
    return _described(seen.what, seen.uri, checkpoint)


def _described(what: str, uri: str, checkpoint: Checkpoint) -> Inspected:
    return Inspected([("kind", what), *_facts(checkpoint)], _lacks(checkpoint), [uri])


def _facts(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    own, arch = checkpoint.id, checkpoint.id.arch
    said = [f"{name} {value}" for name, value in arch.items() if isinstance(value, int | str)]
    return [
        ("name", own.name),
        ("network", ", ".join(said)),
        ("size", f"{own.parameters:,} parameters, {own.flops:,} FLOPs per example"),
        ("reads", _reads(checkpoint)),
        ("classes", _listed(checkpoint)),
        ("exits", _exits(checkpoint)),
        ("data", checkpoint.data),
        ("twin", checkpoint.pair or ""),
        ("training", str(own.training.get("recipe", ""))),
        ("sha256", own.sha256),
    ]


def _reads(checkpoint: Checkpoint) -> str:
    prepare = checkpoint.prepare
    if not isinstance(prepare, PrepareImages):
        return prepare.spec.modality
    facts = prepare.facts()
    size, channels = facts.pop("size"), facts.pop("channels")
    rest = ", ".join(f"{name} {value}" for name, value in facts.items())
    return f"{size} x {size} pixels, {'gray' if channels == 1 else 'color'}; {rest}"


def _listed(checkpoint: Checkpoint) -> str:
    classes = checkpoint.classes
    if not checkpoint.named:
        return f"{len(classes):,}, without names"
    more = [f"{len(classes) - _SHOWN:,} more"] if len(classes) > _SHOWN else []
    return f"{len(classes):,}: {', '.join([*classes[:_SHOWN], *more])}"


def _exits(checkpoint: Checkpoint) -> str:
    with torch.no_grad():
        count = len(checkpoint.model.exits(checkpoint.prepare.blank(1)))
    depths = getattr(checkpoint.model, "depths", ())
    named = f"; features at {', '.join(depths)}" if depths else ""
    return (f"0 to {count - 1}" if count > 1 else "one, the last") + named


def _lacks(checkpoint: Checkpoint) -> list[str]:
    lacks = []
    if not checkpoint.named:
        lacks.append("names of its classes, which a card states")
    if not checkpoint.data:
        lacks.append("the data that it was trained on: name the data to measure it on")
    return lacks


def _of_weights(place: Path, seen: Seen, prefix: str, found: Sequence[Fit]) -> Inspected:
    count = sum(value.numel() for value in seen.tensors.values())
    kinds = ", ".join(sorted({str(v.dtype).removeprefix("torch.") for v in seen.tensors.values()}))
    facts = [
        ("kind", seen.what),
        ("size", f"{len(seen.tensors):,} tensors, {count:,} numbers of {kinds}"),
    ]
    if not found:
        first = ", ".join(list(seen.tensors)[:3])
        lacks = [
            "its network: no name of timm or torchvision here has these keys and shapes",
            f"a function of your own that builds it, module:FILE.py:FUNCTION ({first}, ...)",
        ]
        return Inspected(facts, lacks, [])
    names = [fit.model for fit in found[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    facts.append(("fits", ", ".join(names) + more))
    made = ", ".join(f"{name} {size}" for name, size in found[0].arguments.items())
    facts += [("made with", made), ("classes", f"{found[0].classes:,}, without names")]
    lacks = ["its preprocessing, and the names of its classes: a card states both"]
    if len(found) > 1:
        lacks.append("which of these names it is: they differ in what no weight tells")
    if prefix:
        return Inspected(facts, [*lacks, f"keys of the library: {_renamed(prefix)}"], [])
    uris = [] if made else [f"{name}@{place}" for name in names]  # a card states sizes
    return Inspected(facts, lacks, uris, str(beside(place)))


def _renamed(prefix: str) -> str:
    return f"its keys begin with {prefix}: save it again without"


def _card_of(place: Path, found: Sequence[Fit]) -> str:
    """Return the card of weights, to be filled in; what is known of the name stands in it.

    Raises:
        ConfigError: no name fits.
        CheckpointError: the network cannot be read.
    """
    if not found:
        what = "must be of weights that a network of timm or torchvision fits; none does"
        raise ConfigError(f"`card`: {what}", "card")
    fit, *others = found
    bare = LibraryCard.model_validate({"model": fit.model, "arguments": dict(fit.arguments)})
    card = written_out(bare, image_preparation(of_library(str(place), place, bare)))
    fields = card.model_dump(mode="json", include=_STATED, exclude_defaults=True)
    lines = yaml.safe_dump(fields, sort_keys=False, default_flow_style=None, width=90)
    also = ", ".join(other.model for other in others[:_SHOWN])
    return (
        f"# {place.name} fits this network"
        + (f", and as well: {also}.\n" if also else ".\n")
        + "# The preprocessing is what the library has under the name: change what yours was.\n"
        + lines
        + f"classes: []  # {fit.classes} names in the order of the logits\n"
        + 'data: ""  # name of the data it was trained on, e.g. folder:photos\n'
    )
