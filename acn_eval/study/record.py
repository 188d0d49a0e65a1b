"""The record of a result: what a study measured, with everything that identifies the question."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from itertools import islice
from platform import python_version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.checkpoints.checkpoint import Checkpoint
from acn_eval.corruptions import NOISE_VERSION
from acn_eval.data import EncodedImages, Examples
from acn_eval.data.tokens import PrepareTokens
from acn_eval.inference.condition import ClassMap
from acn_eval.inference.mixed_up import mixed_up
from acn_eval.inference.one_pass import EvaluatedModel
from acn_eval.inference.precision import Numeric
from acn_eval.models import AnyArch, build, cost
from acn_eval.results import Cell, CheckpointId, EvalResult, Skip
from acn_eval.study.request import Request
from acn_eval.study.suite import Suite

__all__ = ["Answer", "Subject", "answered", "cell_of", "in_words", "record", "training_id"]

_SHOWN = 5
_SOFTWARE = ("acn-eval", "torch", "kornia", "numpy")


@dataclass(frozen=True)
class Answer:
    """What a study measured of one checkpoint; the fields are those of `EvalResult`."""

    cells: tuple[Cell, ...]
    skipped: tuple[Skip, ...] = ()
    numeric: Numeric = "fp32"
    certificate: Mapping[str, Any] = field(default_factory=dict)
    noise_digest: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """What a record is about; the fields are those of `EvalResult`."""

    checkpoint: CheckpointId
    examples: Examples
    suite: Mapping[str, Any]
    device: str
    seed: int = 0


def record(subject: Subject, answer: Answer) -> EvalResult:
    """Return the result; nothing else makes one of a measurement."""
    metrics = subject.examples.metrics
    return EvalResult(
        checkpoint=subject.checkpoint,
        data=subject.examples.id,
        suite=subject.suite,
        seed=subject.seed,
        precision=answer.numeric,
        device=subject.device,
        noise_version=NOISE_VERSION,
        noise_digest=answer.noise_digest,
        certificate=answer.certificate,
        versions={"python": python_version(), **{name: version(name) for name in _SOFTWARE}},
        cells=answer.cells,
        skipped=answer.skipped,
        created_ms=time.time_ns() // 1_000_000,
        warnings=answer.warnings,
        details={**answer.details, **({} if metrics == ("accuracy",) else {"metrics": metrics})},
        beside=answer.beside,
    )


def answered(request: Request[Suite], model: EvaluatedModel, answer: Answer) -> EvalResult:
    """Return the result of a given checkpoint, with the warnings that a reader needs."""
    limit, examples = request.selection.limit, request.examples
    details = {
        **answer.details,
        **({"limit": limit} if limit == len(request.whole) else {}),
        **({"all_classes": len(examples.source_classes)} if examples.source_classes else {}),
        **({"classes_matched_by": model.classes.matched} if model.classes.columns else {}),
    }
    suite, device = request.suite.model_dump(mode="json"), request.runtime.device.type
    return record(
        Subject(model.checkpoint.id, examples, suite, device, request.seed),
        replace(
            answer,
            details=details,
            warnings=(*answer.warnings, *_said(model, examples, answer.cells)),
        ),
    )


def training_id(
    name: str, uri: str, facts: Any, arch: AnyArch, *, preprocessing: Any, training: Any
) -> CheckpointId:
    """Return the record of a network that a study trains, addressed by its training.

    Args:
        name: short, for tables.
        uri: in place of that of a file.
        facts: plain JSON, everything that decides the weights.
        arch: of the network.
        preprocessing: as in `CheckpointId`.
        training: likewise.
    """
    spent = cost(build(arch), arch.blank(1))
    text = json.dumps(facts, sort_keys=True, default=list)
    return CheckpointId(
        name=name,
        uri=uri,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        arch=arch.model_dump(mode="json"),
        parameters=spent.parameters,
        flops=spent.flops,
        preprocessing=preprocessing,
        training=training,
    )


def in_words(facts: Mapping[str, Any]) -> str:
    """Return the values of a recipe that are not zero, in one line.

    >>> in_words({"clip": 1.0, "batch": 64, "warmup": 0})
    'batch 64, clip 1.0'
    """
    return ", ".join(f"{name} {value}" for name, value in sorted(facts.items()) if value)


def cell_of(
    condition: Mapping[str, Any],
    outcomes: NDArray[np.void],
    labels: NDArray[Any],
    *,
    primary: bool,
) -> Cell:
    """Return the cell of outcomes (n,) against labels or targets (n,), in the same order."""
    ids, names = outcomes["id"].copy(), outcomes.dtype.names or ()
    if "number" in names:
        numbers = outcomes["number"].copy()
        return Cell.numbered(condition, ids, labels, numbers, primary=primary)
    more = {
        name: outcomes[name].copy() for name in ("confidence", "nll", "brier") if name in names
    }
    return Cell.answered(
        condition, ids, labels, outcomes["predicted"].copy(), primary=primary, **more
    )


def _said(model: EvaluatedModel, examples: Examples, cells: Sequence[Cell]) -> Iterator[str]:
    yield from _about(model, examples)
    clean = [c for c in cells if c.condition.get("corruption") == "clean"]
    for cell in clean[-1:]:  # of the exits, the whole network is last
        if cell.labels is None or cell.predicted is None:
            continue
        if warning := mixed_up(cell.labels, cell.predicted, examples.classes):
            yield f"{model.checkpoint.id.name}: {warning}"


def _how_matched(checkpoint: Checkpoint, classes: ClassMap, examples: Examples) -> Iterator[str]:
    if not classes.columns or classes.matched not in {"number", "position", "wordnet"}:
        return
    what = "spells its classes otherwise" if checkpoint.named else "does not name its classes"
    how = "WordNet id" if classes.matched == "wordnet" else classes.matched
    pairs = islice(zip(classes.columns, examples.classes, strict=True), _SHOWN)
    own = [f" ({name})" * checkpoint.named for name in checkpoint.classes]
    shown = ", ".join(f"logit {i}{own[i]} is {name}" for i, name in pairs)
    more = ", ..." * (len(classes.columns) > _SHOWN)
    yield f"{checkpoint.id.name} {what}; they were matched by {how}: {shown}{more}"


def _about(model: EvaluatedModel, examples: Examples) -> Iterator[str]:
    checkpoint, classes = model.checkpoint, model.classes
    yield from examples.notes
    yield from _how_matched(checkpoint, classes, examples)
    those = f"of these {len(examples)} {examples.inputs.modality}"
    prepare = checkpoint.prepare
    if isinstance(prepare, PrepareTokens):
        sentences = examples.read(np.arange(len(examples)), prepare.spec)
        if cut := prepare.cut(sentences):
            yield f"{checkpoint.id.name} reads {prepare.longest} tokens; {cut} {those} were cut"
    inputs = examples.inputs
    if isinstance(inputs, EncodedImages) and (turned := inputs.turned(examples.positions)):
        how = "they are shown as they are stored, as torchvision and timm do"
        yield f"{turned} {those} are to be turned by their EXIF data; {how}"
    seen = int(np.isin(examples.hashes, checkpoint.training_hashes).sum())
    if seen:
        yield f"{checkpoint.id.name} was trained on {seen} {those}"
