"""The straight line: uris are loaded, shown the examples of a suite, and become results.

Read this file first. Then `statistics.compare` turns two results into a comparison.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch

from acn_eval.checkpoints import Checkpoint, load
from acn_eval.corruptions import NOISE_VERSION
from acn_eval.data import Examples, Split, open_examples
from acn_eval.data.class_lists import listed_classes
from acn_eval.errors import ConfigError, DataError
from acn_eval.inference import ClassMap, EvaluatedModel, Progress, Runtime, class_map
from acn_eval.results import EvalResult
from acn_eval.run_options import DataSelection
from acn_eval.seeds import keyed_order
from acn_eval.studies.read import read_suite
from acn_eval.study.suite import Answer, Setting, Suite
from acn_eval.versions import versions

__all__ = ["Block", "Blocks", "DataSelection", "evaluate", "evaluate_blocks"]

_SHOWN = 5


@dataclass(frozen=True)
class Blocks:
    """Images one block after the other, for a run that may stop.

    Attributes:
        size: images in a block.
        order: names that key the order; it decides nothing about each image.
    """

    size: int
    order: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """Results on some of the images.

    Attributes:
        results: one per checkpoint, on the images of this block.
        shown: all images so far, these included.
        whole: all images of the run, in the usual order.
    """

    results: list[EvalResult]
    shown: Examples
    whole: Examples


def evaluate(
    checkpoints: Sequence[str | Checkpoint],
    suite: str | Suite = "robustness",
    selection: DataSelection | None = None,
    *,
    seed: int = 0,
    runtime: Runtime | None = None,
    progress: Progress = lambda done, total: None,
) -> list[EvalResult]:
    """Carry checkpoints through one suite, all in one pass over the same pixels.

    Args:
        checkpoints: uris, or checkpoints that are loaded (see `checkpoints.from_module`).
        suite: name of a shipped suite, path of a YAML, or a suite.
        selection: which examples; by default the test split of what the cards name.
        seed: of the noise.
        runtime: device, batch size, precision, and the store of finished outcomes.
        progress: told (image-forwards done, in all).

    Returns:
        One result per checkpoint, in their order.
    """
    run = _Run.of(checkpoints, suite, selection or DataSelection(), seed, runtime)
    return run.results(run.opened("test"), progress)


def evaluate_blocks(
    checkpoints: Sequence[str | Checkpoint],
    suite: str | Suite,
    selection: DataSelection,
    blocks: Blocks,
    *,
    seed: int = 0,
    runtime: Runtime | None = None,
) -> Iterator[Block]:
    """Carry checkpoints through a suite block by block, for as long as the caller asks.

    What is shown to an image does not depend on its block: all blocks together are `evaluate`.
    """
    run = _Run.of(checkpoints, suite, selection, seed, runtime)
    whole = run.opened("test")
    order = keyed_order(whole.ids, *blocks.order)
    for start in range(0, len(whole), blocks.size):
        end = start + blocks.size
        results = run.results(whole.at(order[start:end]), _quietly, part_of=whole)
        yield Block(results, whole.at(order[:end]), whole)


def _quietly(done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class _Run:
    """Loaded checkpoints and everything that stays the same for all images."""

    checkpoints: Sequence[Checkpoint]
    suite: Suite
    selection: DataSelection
    seed: int
    runtime: Runtime

    @staticmethod
    def of(
        checkpoints: Sequence[str | Checkpoint],
        suite: str | Suite,
        selection: DataSelection,
        seed: int,
        runtime: Runtime | None,
    ) -> "_Run":
        runtime = runtime or Runtime(torch.device("cpu"))
        suite = read_suite(suite) if isinstance(suite, str) else suite
        loaded = [load(c) if isinstance(c, str) else c for c in checkpoints]
        if selection.class_order and all(c.named for c in loaded):
            names = ", ".join(c.id.name for c in loaded)
            what = "`class_order`: must be about a network that does not name its classes"
            msg = f"{what}; got {names}, matched by name or `class_names`"
            raise ConfigError(msg, "class_order", "class_names")
        for checkpoint in loaded:
            checkpoint.model.to(runtime.device)
        return _Run(loaded, suite, selection, seed, runtime)

    def opened(self, split: Split) -> Examples:
        return choose(self.checkpoints, self.selection, split, reads_head=self.suite.reads_head)

    def results(
        self, examples: Examples, progress: Progress, part_of: Examples | None = None
    ) -> list[EvalResult]:
        subjects = [_subject(c, examples, self.selection, self.suite) for c in self.checkpoints]

        def split(name: Split) -> Examples:
            return self.opened(name).labelled_as(examples)

        setting = Setting(examples, self.runtime, self.seed, progress, split, part_of)
        answers = self.suite.ask(subjects, setting)
        self.runtime.store.trim()
        limit = self.selection.limit
        limited = {"limit": limit} if limit == len(setting.whole) else {}
        return [
            _result(
                subject,
                self.suite,
                setting,
                replace(answer, details={**answer.details, **limited}),
            )
            for subject, answer in zip(subjects, answers, strict=True)
        ]


def choose(
    checkpoints: Sequence[Checkpoint],
    selection: DataSelection,
    split: Split = "test",
    *,
    reads_head: bool = True,
) -> Examples:
    """Open a split of a choice, in the keyed order; `limit` counts for each split.

    Without a choice of data, the cards decide: the classes that the networks were trained on or,
    where their heads are not read, those that are new to them.

    Raises:
        DataError: no or different data named, a class that is not there, or nothing left.
    """
    named = {c.data for c in checkpoints}
    if not selection.data and (len(named) != 1 or "" in named):
        shown = ", ".join(sorted(n or "none" for n in named))
        msg = f"`data`: must be given where the cards do not agree; they name {shown}"
        raise DataError(msg, "data")
    examples = open_examples(selection.data or named.pop(), split, selection.root)
    wanted = listed_classes(selection.classes, examples.classes)
    if not selection.data and not wanted:
        wanted = _default_classes(checkpoints, examples.classes, known=reads_head)
    if wanted and wanted != examples.classes:
        examples = examples.only(wanted)
    if not len(examples):
        what = f"{examples.name}: must hold {split} images of the chosen classes"
        raise DataError(f"{what}; none left")
    return examples.keyed(selection.limit)


def _default_classes(
    checkpoints: Sequence[Checkpoint], classes: Sequence[str], *, known: bool
) -> tuple[str, ...]:
    """Classes that all networks know, or those that are new to all; all where none is new.

    A network that only counts its classes says nothing of data that has other names.
    """
    every = set(classes)
    own = [set(c.classes) for c in checkpoints if c.named or every.issuperset(c.classes)]
    if known:
        return tuple(n for n in classes if all(n in names for names in own))
    return tuple(n for n in classes if not any(n in names for names in own))


def _subject(
    checkpoint: Checkpoint, examples: Examples, selection: DataSelection, suite: Suite
) -> EvaluatedModel:
    if not suite.reads_head:
        return EvaluatedModel(checkpoint, ClassMap((), restricted=False))
    names, order, restricted = selection.class_names, selection.class_order, selection.restricted
    classes = class_map(checkpoint, examples, names=names, order=order, restricted=restricted)
    facts: dict[str, Any] = {}
    if names or restricted:
        facts |= {"class_names": dict(names), "restricted": restricted}
    if order and not checkpoint.named:
        facts |= {"class_order": order}
    if facts:
        preprocessing = {**checkpoint.id.preprocessing, **facts}
        checkpoint = replace(checkpoint, id=replace(checkpoint.id, preprocessing=preprocessing))
    return EvaluatedModel(checkpoint, classes)


def _result(subject: EvaluatedModel, suite: Suite, setting: Setting, answer: Answer) -> EvalResult:
    checkpoint = subject.checkpoint
    return EvalResult(
        checkpoint=checkpoint.id,
        data=setting.examples.id,
        suite=suite.model_dump(mode="json"),
        seed=setting.seed,
        precision=answer.numeric,
        device=setting.runtime.device.type,
        noise_version=NOISE_VERSION,
        noise_digest=answer.noise_digest,
        certificate=answer.certificate,
        versions=versions("acn-eval", "torch", "kornia", "numpy"),
        cells=answer.cells,
        skipped=answer.skipped,
        created_ms=time.time_ns() // 1_000_000,
        warnings=(*answer.warnings, *_about(subject, setting.examples)),
        details={**answer.details, **_matching(subject)},
    )


def _matching(subject: EvaluatedModel) -> dict[str, Any]:
    """Say how the logits were matched with classes of the data, where they are read."""
    return {"classes_matched_by": subject.classes.matched} if subject.classes.columns else {}


def _about(subject: EvaluatedModel, examples: Examples) -> Iterator[str]:
    checkpoint, classes = subject.checkpoint, subject.classes
    yield from examples.notes
    if classes.columns and classes.matched in {"number", "position"}:
        pairs = zip(classes.columns, examples.classes, strict=True)
        shown = ", ".join(f"logit {i} is {name}" for i, name in islice(pairs, _SHOWN))
        what = f"does not name its classes; they were matched by {classes.matched}"
        yield f"{checkpoint.id.name} {what}: {shown}" + ", ..." * (len(classes.columns) > _SHOWN)
    seen = int(np.isin(examples.hashes, checkpoint.training_hashes).sum())
    if seen:
        yield f"{checkpoint.id.name} was trained on {seen} of these {len(examples)} images"
