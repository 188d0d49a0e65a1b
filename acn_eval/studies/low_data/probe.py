"""Checkpoints on few images, probed or fine-tuned: one result per checkpoint and draw."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.checkpoints import Checkpoint
from acn_eval.corruptions import NOISE_VERSION
from acn_eval.data import Examples
from acn_eval.inference import CLEAN, ClassMap, EvaluatedModel, FeatureUnit, Pass, Runtime
from acn_eval.probes import PROTOCOLS, Features, Test, Train, score
from acn_eval.probes.select import fit
from acn_eval.results import Cell, EvalResult
from acn_eval.studies.low_data.draws import STREAM, Subset
from acn_eval.studies.low_data.fine_tune import fine_tuning_on
from acn_eval.studies.low_data.run import Learned
from acn_eval.studies.low_data.subsets import Subsets, details, records, sample_subsets, warnings
from acn_eval.studies.low_data.suite import LowDataProbe
from acn_eval.study.record import cell_of
from acn_eval.study.run import measured
from acn_eval.tally import Progress, Tally
from acn_eval.versions import versions

__all__ = ["Probed", "probe"]

Answer = Callable[[Subset], Iterable[Cell]]
_CPU = torch.device("cpu")  # of the closed form


@dataclass(frozen=True)
class Probed:
    """What probes are fitted on and asked.

    Attributes:
        pool: the training split, from which subsets are drawn.
        test: the images that are shown at the end.
    """

    suite: LowDataProbe
    pool: Examples
    test: Examples
    runtime: Runtime

    @cached_property
    def subsets(self) -> Subsets:
        """The subsets by draw."""
        return sample_subsets(self.suite, self.pool)

    @property
    def work(self) -> int:
        """Units of progress per checkpoint: images shown, or fine-tunings."""
        if self.suite.mode == "probe":
            return len(self.pool) + len(self.test)
        return sum(len(own) for own in self.subsets.values()) * self.suite.repeats

    @property
    def method(self) -> dict[str, Any]:
        """How the checkpoints meet the images, as plain types."""
        if self.suite.mode == "probe":
            return {"protocol": PROTOCOLS[self.suite.protocol].facts()}
        return {"fine_tune": self.suite.model_dump(include={"steps", "batch", "learning_rate"})}


def probe(
    question: Probed,
    checkpoints: Sequence[Checkpoint],
    progress: Progress = lambda done, total: None,
) -> Learned:
    """Fit one probe, or fine-tune once, per checkpoint, draw and size.

    Args:
        question: what is drawn and shown.
        checkpoints: the candidate, and the baseline if there is one.
        progress: told (done, in all): images shown, or fine-tunings.

    Raises:
        Unsupported: a network does not say what it has before its head, or is not built here.
        DataError: a class has too few images.
    """
    unit = "image evaluations" if question.suite.mode == "probe" else "fine-tunings"
    with Tally(len(checkpoints) * question.work, unit, progress) as counter:
        found = [list(_results(question, checkpoint, counter)) for checkpoint in checkpoints]
    question.runtime.store.trim()
    baselines = found[1] if found[1:] else []
    return Learned(found[0], baselines, records(question.subsets))


def _results(question: Probed, checkpoint: Checkpoint, counter: Tally) -> Iterator[EvalResult]:
    checkpoint.model.to(question.runtime.device)
    cells = _tuned_cells if question.suite.mode == "fine_tune" else _probe_cells
    answer = cells(question, checkpoint, counter)
    for subsets in question.subsets.values():
        own = tuple(cell for subset in subsets for cell in answer(subset))
        yield _result(question, checkpoint, subsets, own)


def _probe_cells(question: Probed, checkpoint: Checkpoint, counter: Tally) -> Answer:
    pool, test = (
        _features(question, checkpoint, examples, counter)
        for examples in (question.pool, question.test)
    )
    return lambda subset: [_cell(question, subset, (pool, test))]


def _tuned_cells(question: Probed, checkpoint: Checkpoint, counter: Tally) -> Answer:
    def cells(subset: Subset) -> Iterator[Cell]:
        for repeat in range(question.suite.repeats):
            unit = fine_tuning_on(
                checkpoint, question.suite, subset, repeat, question.test, question.runtime
            )
            unit.recipe  # noqa: B018 refuses a network that is not built here
            (content,) = measured([unit], question.runtime)
            outcomes = unit.unpacked(content).outcomes
            counter.add(1)
            condition = {**CLEAN, "per_class": subset.per_class, "repeat": repeat}
            yield cell_of(condition, outcomes, question.test.labels, primary=True)

    return cells


def _features(
    question: Probed, checkpoint: Checkpoint, examples: Examples, counter: Tally
) -> NDArray[np.float32]:
    """Return the features (n, width) of the last exit."""
    subject = EvaluatedModel(checkpoint, ClassMap((), restricted=False))
    job = Pass.clean(subject, examples, question.runtime, unit=FeatureUnit)
    ((table,),) = job.joined(measured(job.units, question.runtime))
    counter.add(len(examples))
    features: NDArray[np.float32] = table[0, -1]
    return features


def _result(
    question: Probed,
    checkpoint: Checkpoint,
    subsets: Sequence[Subset],
    cells: tuple[Cell, ...],
) -> EvalResult:
    draw, own = subsets[0].draw, checkpoint.id
    decides = [own.sha256, question.method, [subset.record() for subset in subsets]]
    name = f"{own.name} draw {draw}"
    suite = question.suite.model_dump(mode="json")
    sample_subsets = {"seed": draw, "data_order": STREAM, "paired_seeds": suite["paired_seeds"]}
    return EvalResult(
        checkpoint=replace(
            own,
            name=name,
            sha256=hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest(),
            training={**own.training, **sample_subsets},
        ),
        data=question.test.id,
        suite=suite,
        seed=0,
        precision="fp32",
        device=question.runtime.device.type,
        noise_version=NOISE_VERSION,
        noise_digest="",
        certificate={},
        versions=versions("acn-eval", "torch", "numpy"),
        cells=cells,
        skipped=(),
        created_ms=time.time_ns() // 1_000_000,
        warnings=(*warnings(subsets, question.test), *_about(checkpoint, question.pool)),
        details={
            **details(subsets, question.pool),
            **question.method,
            "probed": own.sha256,
        },
    )


def _cell(
    question: Probed, subset: Subset, features: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> Cell:
    """Fit the probe of one subset, and show it the test images."""
    protocol, (x, shown) = PROTOCOLS[question.suite.protocol], features
    own, test, classes = subset.examples, question.test, len(question.test.classes)
    where = _positions(question.pool.ids, own.ids)
    train = Features(Train, x[where], own.labels, own.ids, classes)
    (fitted,) = fit(protocol, train, protocol.penalties, _CPU)
    found = score(fitted, Features(Test, shown, test.labels, test.ids, classes))
    return Cell.answered(
        {**CLEAN, "per_class": subset.per_class, "repeat": 0},
        test.ids,
        test.labels,
        found.predicted,
        primary=True,
        confidence=found.confidence,
    )


def _positions(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.argsort(ids)
    return np.asarray(order[np.searchsorted(ids, wanted, sorter=order)])


def _about(checkpoint: Checkpoint, pool: Examples) -> Iterator[str]:
    yield "draws are of images to learn from: this is about these files, not their architectures"
    seen = int(np.isin(pool.hashes, checkpoint.training_hashes).sum())
    if seen:
        yield (
            f"{checkpoint.id.name} was trained on {seen} of the {len(pool)} images that probes "
            "are drawn from: its features know more than the probes are shown"
        )
