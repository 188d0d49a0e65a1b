"""The straight line: uris are loaded, shown the examples of a suite, and become results.

Read this file first. Then `statistics.compare` turns two results into a comparison.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from acn_eval.checkpoints import Checkpoint, load
from acn_eval.corruptions import NOISE_VERSION
from acn_eval.data import Examples, Split, open_examples
from acn_eval.errors import DataError
from acn_eval.passes import ClassMap, Place, Progress, Subject, class_map
from acn_eval.results import EvalResult
from acn_eval.suites import Answer, Setting, Suite, read_suite
from acn_eval.versions import versions

__all__ = ["Choice", "evaluate"]


@dataclass(frozen=True)
class Choice:
    """Which examples, and how their classes correspond to those of the model.

    Attributes:
        data: name of the data set; "" takes what the checkpoints' cards name.
        root: where data sets lie.
        limit: the first so many in the keyed order; None takes all.
        classes: keep these classes of the data only; empty takes all.
        class_names: class of the data to class of the model, where the names differ.
        restricted: predict among the classes of the data only.
        order: names that key the order of the images; empty takes the usual order.
    """

    data: str = ""
    root: Path | None = None
    limit: int | None = None
    classes: tuple[str, ...] = ()
    class_names: Mapping[str, str] = field(default_factory=dict)
    restricted: bool = False
    order: tuple[str, ...] = ()


def evaluate(
    checkpoints: Sequence[str | Checkpoint],
    suite: str | Suite = "robustness",
    choice: Choice | None = None,
    *,
    seed: int = 0,
    place: Place | None = None,
    progress: Progress = lambda done, total: None,
) -> list[EvalResult]:
    """Carry checkpoints through one suite, all in one pass over the same pixels.

    Args:
        checkpoints: uris, or checkpoints that are loaded (see `checkpoints.from_module`).
        suite: name of a shipped suite, path of a YAML, or a suite.
        choice: which examples; by default the test split of what the cards name.
        seed: of the noise.
        place: device, batch size, precision, and the store of finished outcomes.
        progress: told (image-forwards done, in all).

    Returns:
        One result per checkpoint, in their order.
    """
    place = place or Place(torch.device("cpu"))
    suite = read_suite(suite) if isinstance(suite, str) else suite
    loaded = [load(c) if isinstance(c, str) else c for c in checkpoints]
    for checkpoint in loaded:
        checkpoint.model.to(place.device)
    choice = choice or Choice()
    opened = partial(choose, loaded, choice, reads_head=suite.reads_head)
    examples = opened("test")
    subjects = [_subject(checkpoint, examples, choice, suite) for checkpoint in loaded]
    setting = Setting(examples, place, seed, progress, opened)
    answers = suite.ask(subjects, setting)
    place.store.trim()
    return [
        _result(subject.checkpoint, suite, setting, answer)
        for subject, answer in zip(subjects, answers, strict=True)
    ]


def choose(
    checkpoints: Sequence[Checkpoint],
    choice: Choice,
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
    if not choice.data and (len(named) != 1 or "" in named):
        shown = ", ".join(sorted(n or "none" for n in named))
        raise DataError(f"--data: must be given where the cards do not agree; they name {shown}")
    examples = open_examples(choice.data or named.pop(), split, choice.root)
    wanted = choice.classes
    if not choice.data and not wanted:
        wanted = _default_classes(checkpoints, examples.classes, known=reads_head)
    if wanted and wanted != examples.classes:
        examples = examples.only(wanted)
    if not len(examples):
        what = f"{examples.name}: must hold {split} images of the chosen classes"
        raise DataError(f"{what}; none left")
    return examples.keyed(choice.limit, *choice.order)


def _default_classes(
    checkpoints: Sequence[Checkpoint], classes: Sequence[str], *, known: bool
) -> tuple[str, ...]:
    """Classes that all networks know, or those that are new to all; all where none is new."""
    own = [set(c.classes) for c in checkpoints]
    if known:
        return tuple(n for n in classes if all(n in names for names in own))
    return tuple(n for n in classes if not any(n in names for names in own))


def _subject(checkpoint: Checkpoint, examples: Examples, choice: Choice, suite: Suite) -> Subject:
    if not suite.reads_head:
        return Subject(checkpoint, ClassMap((), restricted=False))
    names, restricted = choice.class_names, choice.restricted
    classes = class_map(checkpoint.classes, examples.classes, names=names, restricted=restricted)
    if names or restricted:
        facts = {"class_names": dict(names), "restricted": restricted}
        preprocessing = {**checkpoint.id.preprocessing, **facts}
        checkpoint = replace(checkpoint, id=replace(checkpoint.id, preprocessing=preprocessing))
    return Subject(checkpoint, classes)


def _result(checkpoint: Checkpoint, suite: Suite, setting: Setting, answer: Answer) -> EvalResult:
    return EvalResult(
        checkpoint=checkpoint.id,
        data=setting.examples.id,
        suite=suite.model_dump(mode="json"),
        seed=setting.seed,
        precision=answer.numeric,
        device=setting.place.device.type,
        noise_version=NOISE_VERSION,
        noise_digest=answer.noise_digest,
        certificate=answer.certificate,
        versions=versions("acn-eval", "torch", "kornia", "numpy"),
        cells=answer.cells,
        skipped=answer.skipped,
        created_ms=time.time_ns() // 1_000_000,
        warnings=(*answer.warnings, *_seen_in_training(checkpoint, setting.examples)),
        details=answer.details,
    )


def _seen_in_training(checkpoint: Checkpoint, examples: Examples) -> tuple[str, ...]:
    seen = int(np.isin(examples.hashes, checkpoint.trained_on).sum())
    if not seen:
        return ()
    return (f"{checkpoint.id.name} was trained on {seen} of these {len(examples)} images",)
