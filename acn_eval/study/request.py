"""A request: a suite, its checkpoints and examples, and where it runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.data import Examples, Split, open_examples
from acn_eval.data.examples import listed_classes
from acn_eval.data.open import data_root
from acn_eval.engine.parcel import SentOnce
from acn_eval.errors import DataError
from acn_eval.inference.class_matching import class_map
from acn_eval.inference.condition import ClassMap
from acn_eval.inference.one_pass import EvaluatedModel
from acn_eval.inference.runtime import Runtime
from acn_eval.study.selection import DataSelection
from acn_eval.study.suite import Suite

__all__ = ["Request", "choose"]

S = TypeVar("S", bound=Suite, covariant=True)


@dataclass(frozen=True)
class Request(SentOnce, Generic[S]):
    """A suite, with everything that it is about and runs in.

    Attributes:
        checkpoints: loaded, on the device; a suite that trains its own networks needs none.
        seed: of the noise.
        block: some of the test examples, for a run that may stop early; None takes all.
        opened: all test examples, where an earlier block has opened them.
    """

    suite: S
    checkpoints: Sequence[Checkpoint]
    selection: DataSelection
    runtime: Runtime
    seed: int = 0
    block: Examples | None = None
    opened: Examples | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: another folder and other settings may hold there."""
        root = data_root(self.selection.root).absolute()
        return {**vars(self), "selection": replace(self.selection, root=root)}

    @cached_property
    def whole(self) -> Examples:
        """All test examples, which decide whatever all blocks share, such as the precision."""
        if self.opened is not None:
            return self.opened
        suite = self.suite
        found = choose(self.checkpoints, self.selection, "test", reads_head=suite.reads_head)
        return found if suite.reads_numbers else found.classified()

    @property
    def examples(self) -> Examples:
        """The test examples that are shown, in order."""
        return self.whole if self.block is None else self.block

    def split(self, name: Split) -> Examples:
        """Return another split of the same data and classes."""
        if name not in self._splits:
            heads = self.suite.reads_head
            found = choose(self.checkpoints, self.selection, name, reads_head=heads)
            self._splits[name] = found.labeled_as(self.whole)
        return self._splits[name]

    @cached_property
    def _splits(self) -> dict[Split, Examples]:
        return {}

    @cached_property
    def subjects(self) -> list[EvaluatedModel]:
        """The checkpoints, with their classes matched to those of the data."""
        return [self._subject(checkpoint) for checkpoint in self.checkpoints]

    def _subject(self, checkpoint: Checkpoint) -> EvaluatedModel:
        if not self.suite.reads_head:
            return EvaluatedModel(checkpoint, ClassMap((), restricted=False))
        wanted = self.selection
        order, restricted, examples = wanted.class_order, wanted.restricted, self.examples
        names = {c: own for c, own in wanted.class_names.items() if own is not None}
        classes = class_map(checkpoint, examples, names=names, order=order, restricted=restricted)
        facts: dict[str, Any] = {}
        if wanted.class_names or restricted:
            facts |= {"class_names": dict(wanted.class_names), "restricted": restricted}
        if order and not checkpoint.named:
            facts |= {"class_order": order}
        if facts:
            preprocessing = {**checkpoint.id.preprocessing, **facts}
            checkpoint = replace(
                checkpoint, id=replace(checkpoint.id, preprocessing=preprocessing)
            )
        return EvaluatedModel(checkpoint, classes)


def choose(
    checkpoints: Sequence[Checkpoint],
    selection: DataSelection,
    split: Split = "test",
    *,
    reads_head: bool = True,
) -> Examples:
    """Open a split of the selected data, in the keyed order; `limit` counts for each split.

    Where no data is selected, the cards decide: the classes that the networks were trained on or,
    where their heads are not read, those that are new to them.

    Raises:
        DataError: none or different data named, examples of another modality than the networks
            read, an unknown class, or no examples left.
    """
    named = {c.data for c in checkpoints}
    if not selection.data and (len(named) != 1 or "" in named):
        shown = ", ".join(sorted(n or "none" for n in named))
        msg = f"`data`: must be given where the cards do not agree; they name {shown}"
        raise DataError(msg, "data")
    examples = open_examples(selection.data or named.pop(), split, selection.root)
    for checkpoint in checkpoints:
        examples.require(checkpoint.prepare.spec)
    wanted = listed_classes(selection.classes, examples.classes)
    if not selection.data and not wanted:
        wanted = _default_classes(checkpoints, examples.classes, known=reads_head)
    if wanted and wanted != examples.classes:
        examples = examples.only(wanted)
    examples = _without(examples, [c for c, own in selection.class_names.items() if own is None])
    if not len(examples):
        what = f"{examples.name}: must hold {split} examples of the chosen classes"
        raise DataError(f"{what}; none left")
    return examples.keyed(selection.limit)


def _without(examples: Examples, left_out: Sequence[str]) -> Examples:
    """Leave out classes, and say how much of the data they are.

    Raises:
        DataError: the data has no such class.
    """
    if not left_out:
        return examples
    unknown = [name for name in left_out if name not in examples.all_classes]
    if unknown:
        what = "`class_names`: must leave out classes of the data"
        raise DataError(f"{what}; got {', '.join(unknown[:5])}", "class_names")
    kept = examples.only([name for name in examples.classes if name not in left_out])
    classes, gone = len(examples.classes) - len(kept.classes), len(examples) - len(kept)
    note = (
        f"{examples.name}: the class map leaves out {classes} of {len(examples.classes)} classes,"
        f" {gone:,} of {len(examples):,} {examples.inputs.modality}"
    )
    return replace(kept, notes=(*kept.notes, note))


def _default_classes(
    checkpoints: Sequence[Checkpoint], classes: Sequence[str], *, known: bool
) -> tuple[str, ...]:
    """Classes that all networks know, or those that are new to all; () where none is new.

    A network without class names says nothing about data whose classes have other names.
    """
    every = set(classes)
    own = [set(c.classes) for c in checkpoints if c.named or every.issuperset(c.classes)]
    if known:
        return tuple(n for n in classes if all(n in names for names in own))
    return tuple(n for n in classes if not any(n in names for names in own))
