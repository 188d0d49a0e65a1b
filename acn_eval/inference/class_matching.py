"""How the classes of the data are matched to those of a model: by name, or as the user states.

Classes of ImageNet are the same by their WordNet ids, however each side spells them.

Networks that torchvision's ImageFolder trained count class folders in the order of text, "0", "1",
"10", "2"; others count by the number. Where a model has no class names and the two differ, or the
data's classes have names, the user has to choose.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.data.examples import Examples, number_of
from acn_eval.data.wordnet import (
    IMAGENET,
    are_wordnet_ids,
    imagenet_classes,
    may_be_imagenet,
    wordnet_ids,
)
from acn_eval.errors import DataError
from acn_eval.inference.condition import ClassMap, MatchedBy

__all__ = ["ClassOrder", "class_map"]

ClassOrder = Literal["position", "name", "imagenet"]
"""What logit i of a network without class names stands for: the class of the data at position i,
the one that is called i, or class i of ImageNet-1k."""
_REMEDY = (
    "Say how with `class_order`: position (as the data's classes are listed, as torchvision's "
    "ImageFolder trains), name (i is the class called i) or imagenet (i is ImageNet's class i), "
    "or use `class_names`."
)
_SHOWN = 5


def class_map(
    checkpoint: Checkpoint,
    examples: Examples,
    *,
    names: Mapping[str, str] | None = None,
    order: ClassOrder | None = None,
    restricted: bool = False,
) -> ClassMap:
    """Match the classes of examples to the logits of a checkpoint; of numbers there is one.

    Args:
        checkpoint: with named classes, or with numbers alone.
        examples: of the data.
        names: data class to model class, where the names differ.
        order: how a network without class names counts; None requires position and number to
            agree.
        restricted: predict among the classes of the data only.

    Raises:
        DataError: a class of the data is none of the model's, two are the same one, or the order
            is ambiguous; or one has classes and the other answers with numbers or masked tokens.
    """
    _require_one_kind(checkpoint, examples)
    if examples.targets is not None:
        return ClassMap((0,), restricted=False)
    names = names or {}
    unknown = [name for name in names if name not in examples.all_classes]
    if unknown:
        what = f"`class_names`: must name classes of the data ({_some(examples.all_classes)})"
        raise DataError(f"{what}; got {_some(unknown)}", "class_names")
    own = _once(checkpoint.classes)
    logits, matched = _unmapped(checkpoint, examples, names, order)
    logits = {**logits, **{name: own.get(other, -1) for name, other in names.items()}}
    columns = [logits.get(name, -1) for name in examples.classes]
    foreign = [n for n, column in zip(examples.classes, columns, strict=True) if column < 0]
    if foreign:
        msg = (
            f"classes of the data must be among the model's ({_some(checkpoint.classes)}); "
            f"got {_some([names.get(name, name) for name in foreign])}. "
            "Choose some with `classes`, or map them with `class_names`."
        )
        raise DataError(msg, "classes", "class_names")
    if len(set(columns)) < len(columns):
        wanted = [names.get(name, name) for name in examples.classes]
        msg = f"classes of the data must be different classes of the model; got {_some(wanted)}"
        raise DataError(msg)
    return ClassMap(tuple(columns), restricted, matched)


def _require_one_kind(checkpoint: Checkpoint, examples: Examples) -> None:
    """Refuse classes where the network answers with numbers or tokens, and the other way round."""
    if checkpoint.masked and examples.classes != checkpoint.classes:
        what = "must answer with classes; it finds masked tokens. Fine-tune it by `start_from`"
        raise DataError(f"{checkpoint.id.name}: {what} of a recipe.")
    kinds = {True: "a number", False: "classes"}
    want, got = examples.targets is not None, len(checkpoint.classes) == 1
    if want != got:
        msg = f"{checkpoint.id.name}: must answer with {kinds[want]}, which {examples.name} states"
        raise DataError(f"{msg}; got {kinds[got]}")


def _unmapped(
    checkpoint: Checkpoint,
    examples: Examples,
    names: Mapping[str, str],
    order: ClassOrder | None,
) -> tuple[dict[str, int], MatchedBy]:
    if checkpoint.named or names.keys() >= set(examples.classes):
        own = _once(checkpoint.classes)
        if not examples.named:
            _require_counted(own, examples, names)
        missing = [c for c in examples.classes if c not in own and c not in names]
        if missing and may_be_imagenet(checkpoint.classes, examples.all_classes):
            ids = wordnet_ids(checkpoint.classes)
            return {**_by_wordnet(ids, examples), **own}, "map" if names else "wordnet"
        return own, "map" if names else "name"
    if len(checkpoint.classes) == IMAGENET and _as_imagenet(examples, order):
        return _by_wordnet([synset.wnid for synset in imagenet_classes()], examples), "wordnet"
    every, n = examples.all_classes, len(checkpoint.classes)
    by_position = {c: i for i, c in enumerate(every)}
    by_number = {c: k for c in every if (k := number_of(c)) is not None and k < n}
    as_many = len(every) == n
    if order == "name":
        return by_number, "number"
    if order == "position" and as_many:
        return by_position, "position"
    trained_on_it = bool(examples.name) and checkpoint.data == examples.name
    agree = all(by_position[c] == i for c, i in by_number.items())
    if order is None and agree and (len(by_number) == n if as_many else trained_on_it):
        return by_number, "number"
    msg = (
        f"{checkpoint.id.name}: classes must have names, or be counted in a known way; it only "
        f"counts {n}, and the data has {len(every)}: {_some(every)}. {_REMEDY}"
    )
    raise DataError(msg, "class_order", "class_names")


def _as_imagenet(examples: Examples, order: ClassOrder | None) -> bool:
    """Whether 1,000 logits are those of ImageNet: it is said, or the data's classes are its ids.

    ImageNet counts its ids in the order of text, and so does who trains on folders of all of them.
    """
    if order is not None or not are_wordnet_ids(examples.all_classes):
        return order == "imagenet"
    return {synset.wnid for synset in imagenet_classes()}.issuperset(examples.all_classes)


def _once(classes: Sequence[str]) -> dict[str, int]:
    """Return the place of each name that occurs once; of two called crane, neither is meant."""
    times = Counter(classes)
    return {name: i for i, name in enumerate(classes) if times[name] == 1}


def _by_wordnet(ids: Sequence[str], examples: Examples) -> dict[str, int]:
    """Return the logit of each class of the data whose WordNet id exactly one logit has."""
    logits = _once(ids)
    theirs = zip(examples.all_classes, wordnet_ids(examples.all_classes), strict=True)
    return {name: logits[wnid] for name, wnid in theirs if wnid and wnid in logits}


def _require_counted(own: Mapping[str, int], examples: Examples, names: Mapping[str, str]) -> None:
    """Refuse data without class names where the names of the network are other numbers."""
    every = enumerate(examples.all_classes)
    if any(own.get(c, i) != i for i, c in every if c in examples.classes and c not in names):
        msg = (
            f"{examples.name}: must name its classes, because those of the model are not in the "
            f"order of their numbers ({_some(list(own))}); it only counts "
            f"{len(examples.all_classes)}. Add `classes` to it, or use `class_names`."
        )
        raise DataError(msg, "class_names")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
