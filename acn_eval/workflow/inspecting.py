"""What a checkpoint, or a file of anyone, is; what it would be asked, and what it lacks."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from acn_eval import atomic
from acn_eval.checkpoints import Checkpoint, load
from acn_eval.checkpoints.card_text import card_text
from acn_eval.checkpoints.guess import Fit, fits
from acn_eval.checkpoints.recognize import Seen, recognize
from acn_eval.data.geometry import PrepareImages
from acn_eval.errors import AcnEvalError, CheckpointError, ConfigError
from acn_eval.shipped import shipped

__all__ = ["Inspected", "inspect"]

_SHOWN = 8
_LOST = "module."


@dataclass(frozen=True)
class Inspected:
    """What is said about a checkpoint.

    Attributes:
        facts: what it is, and what it would be asked: pairs of a label and words.
        lacks: what an evaluation may need and it does not say, in words.
        uris: what `load` takes for it, the likeliest first.
    """

    facts: Sequence[tuple[str, str]]
    lacks: Sequence[str]
    uris: Sequence[str]


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
        CheckpointError: there is nothing, or it is damaged.
        ConfigError: a card is asked for where none can be written, or is there already.
    """
    place = _place(uri)
    seen = recognize(place) if place else Seen("a checkpoint", uri)
    if card and (not seen.tensors or card.exists()):
        what = "must be a new file, for weights that have no card"
        raise ConfigError(f"`card`: {what}; got {card} for {seen.what}", "card")
    if not seen.tensors:
        return _of_checkpoint(seen, tracking_uri)
    assert place is not None
    found = fits(seen.shapes, progress)
    if card:
        _write(card, place, seen, found)
    return _of_weights(place, seen, found)


def _place(uri: str) -> Path | None:
    """Return the file or folder of a name, here or among the shipped; None for an address."""
    for path in (Path(uri), shipped("checkpoints") / uri):
        if os.path.exists(path):
            return path
    if ":" in uri:
        return None
    load(uri)  # says that there is none, and what has a similar name
    return None


def _of_checkpoint(seen: Seen, tracking_uri: str | None) -> Inspected:
    kind = ("kind", seen.what)
    if seen.archs:
        named = " or ".join(seen.archs)
        return Inspected([kind], [f"which network it is: `arch` {named}"], [])
    if not seen.uri:
        return Inspected([kind], [seen.remedy] if seen.remedy else [], [])
    try:
        checkpoint = load(seen.uri, tracking_uri=tracking_uri)
    except AcnEvalError as exc:
        return Inspected([kind], [str(exc)], [])
    return Inspected([kind, *_facts(checkpoint)], _lacks(checkpoint), [seen.uri])


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
    return f"{size} x {size} pixels, {channels} channels; {rest}"


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
        lacks.append("names of its classes: a card, or `class_order`, says what a logit stands for")
    if not checkpoint.data:
        lacks.append("the data it was trained on: name what to measure with `data`")
    return lacks


def _of_weights(place: Path, seen: Seen, found: list[Fit]) -> Inspected:
    count = sum(value.numel() for value in seen.tensors.values())
    kinds = ", ".join(sorted({str(v.dtype).removeprefix("torch.") for v in seen.tensors.values()}))
    facts = [
        ("kind", seen.what),
        ("size", f"{len(seen.tensors):,} tensors, {count:,} numbers of {kinds}"),
    ]
    if not found:
        return Inspected(facts, _unknown(seen), [])
    names = [fit.model for fit in found]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    facts.append(("fits", ", ".join(names[:_SHOWN]) + more))
    facts.append(("classes", f"{found[0].classes:,}, without names"))
    lacks = ["its preprocessing, and the names of its classes: a card states both"]
    if len(found) > 1:
        lacks.append("which of the names it is: they differ in what no weight tells")
    if seen.within:
        lacks.append(f"a file of its own: the weights lie under {seen.within}")
    return Inspected(facts, lacks, [f"{name}@{place}" for name in names[:_SHOWN]])


def _unknown(seen: Seen) -> list[str]:
    lacks = ["its network: no name of timm or torchvision has these keys and shapes"]
    if all(key.startswith(_LOST) for key in seen.tensors):
        lacks.append(f"keys as its network has them: remove {_LOST}, which parallel training adds")
    first = ", ".join(list(seen.tensors)[:3])
    return [*lacks, f"a network of your own code: module:FILE.py:FUNCTION (keys: {first}, ...)"]


def _write(card: Path, place: Path, seen: Seen, found: list[Fit]) -> None:
    if not found:
        what = "must be of weights that a network of timm or torchvision fits; none does"
        raise ConfigError(f"`card`: {what}", "card")
    checkpoint: Any = load(f"{found[0].model}@{place}")
    if not isinstance(checkpoint.prepare, PrepareImages):
        raise CheckpointError(f"{place}: must read images")
    atomic.write(card, card_text(found, checkpoint.prepare))
