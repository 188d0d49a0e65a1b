"""ImageNet's classes by WordNet id, which folders, networks and data sets all spell otherwise.

Source: `timm.data.ImageNetInfo`, which has 1,000 ids and names in the order of the logits.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from acn_eval.errors import MissingExtra

__all__ = [
    "IMAGENET",
    "Synset",
    "are_wordnet_ids",
    "imagenet_classes",
    "may_be_imagenet",
    "wordnet_ids",
]

IMAGENET = 1000
"""Number of classes of ImageNet-1k."""
_ID = re.compile(r"n\d{8}")
_SURE = 0.9  # share of names that must be known: torchvision spells 2 of 1,000 otherwise


class Synset(NamedTuple):
    """A class of ImageNet: its WordNet id, its names in one string, and all of these."""

    wnid: str
    whole: str
    names: frozenset[str]


@lru_cache(maxsize=1)
def imagenet_classes() -> tuple[Synset, ...]:
    """Return the 1,000 classes of ImageNet-1k in the order of the logits.

    Raises:
        MissingExtra: timm is not installed.
    """
    try:
        from timm.data import ImageNetInfo
    except ModuleNotFoundError as exc:
        raise MissingExtra("names of ImageNet's classes", "timm") from exc
    info = ImageNetInfo()
    return tuple(
        _synset(wnid, info.label_name_to_description(wnid)) for wnid in info.label_names()
    )


def are_wordnet_ids(classes: Sequence[str]) -> bool:
    """Whether all classes are written as WordNet ids.

    >>> are_wordnet_ids(["n01440764"]), are_wordnet_ids(["n01440764", "cat"])
    (True, False)
    """
    return all(map(_ID.fullmatch, classes))


def may_be_imagenet(*lists: Sequence[str]) -> bool:
    """Whether one of several lists of classes has WordNet ids, or as many classes as ImageNet.

    >>> may_be_imagenet(["cat", "dog"]), may_be_imagenet(["cat"], ["n01440764"])
    (False, True)
    """
    return any(len(c) == IMAGENET or any(map(_ID.fullmatch, c)) for c in lists)


def wordnet_ids(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the WordNet id of each class; "" where it has none, or its name has several.

    A class is called by its id, by all of its names ("tench, Tinca tinca"), or by one of them.

    1,000 names in ImageNet's order stand for its classes one by one, so that both cranes, the bird
    and the machine, have an id of their own.
    """
    known = imagenet_classes()
    if _in_order(classes, known):
        return tuple(synset.wnid for synset in known)
    called = _called(known)
    return tuple(_only(called, name) for name in classes)


def _synset(wnid: str, description: str) -> Synset:
    return Synset(wnid, description, frozenset((wnid, description, *description.split(", "))))


def _plain(name: str) -> str:
    return name.replace("_", " ").strip().casefold()


def _in_order(classes: Sequence[str], known: Sequence[Synset]) -> bool:
    """Whether every class is ImageNet's at its position, or is called as none of them."""
    if len(classes) != len(known):
        return False
    called = _called(known)[-1]
    named = [(_plain(name), synset.wnid) for name, synset in zip(classes, known, strict=True)]
    fits = sum(wnid in called.get(name, ()) for name, wnid in named)
    strange = any(name in called and wnid not in called[name] for name, wnid in named)
    return fits >= _SURE * len(known) and not strange


@lru_cache(maxsize=1)
def _called(known: tuple[Synset, ...]) -> tuple[Mapping[str, frozenset[str]], ...]:
    """Ids by all names of a class, by one of them, and by one in any spelling.

    In this order, a cardigan is a garment, a Cardigan a dog, and a CARDIGAN nothing.
    """
    names = [(name, synset.wnid) for synset in known for name in synset.names]
    tables = (
        [(synset.whole, synset.wnid) for synset in known],
        names,
        [(_plain(name), wnid) for name, wnid in names],
    )
    return tuple(map(_grouped, tables))


def _grouped(pairs: Sequence[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    found = defaultdict(set)
    for name, wnid in pairs:
        found[name].add(wnid)
    return {name: frozenset(ids) for name, ids in found.items()}


def _only(called: Sequence[Mapping[str, frozenset[str]]], name: str) -> str:
    spelled = (name, name, _plain(name))
    ids = next((t[n] for t, n in zip(called, spelled, strict=True) if n in t), frozenset())
    return next(iter(ids)) if len(ids) == 1 else ""
