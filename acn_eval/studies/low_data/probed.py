"""Checkpoints on few images, probed or fine-tuned: one result per checkpoint and draw."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples
from acn_eval.errors import ConfigError
from acn_eval.inference import CLEAN, ClassMap, Depths, EvaluatedModel, FeatureUnit, Pass
from acn_eval.probes import PROTOCOLS, Features, FineTune, Test, Train, score
from acn_eval.probes.select import fit
from acn_eval.results import Cell, CheckpointId, EvalResult
from acn_eval.studies.low_data.draws import STREAM, Subset, Subsets, answer, sample_subsets
from acn_eval.studies.low_data.suite import LowDataProbe
from acn_eval.study.fine_tuning import FineTunedUnit
from acn_eval.study.record import Subject, cell_of, record
from acn_eval.study.request import choose
from acn_eval.study.run import Study, Unit

__all__ = ["FineTunedStudy", "ProbedStudy"]

_CPU = torch.device("cpu")  # of the closed form


class _OnSubsets(Study[LowDataProbe]):
    """Checkpoints that are probed or fine-tuned on the subsets of every draw."""

    @property
    def suite(self) -> LowDataProbe:
        """The config."""
        return self.request.suite

    @cached_property
    def test(self) -> Examples:
        """The test images."""
        return self.request.examples

    @cached_property
    def pool(self) -> Examples:
        """The training split, from which subsets are drawn."""
        own, whole = self.request, replace(self.request.selection, limit=None)
        return choose(own.checkpoints, whole, "train", reads_head=False).labeled_as(self.test)

    @cached_property
    def subsets(self) -> Subsets:
        """The subsets by draw.

        Raises:
            DataError: a class has too few images.
        """
        return sample_subsets(self.suite, self.pool)

    def groups(self, candidates: int) -> list[tuple[slice, slice]]:
        """Return where the draws of both checkpoints lie.

        Raises:
            ConfigError: a side has several checkpoints.
        """
        if candidates > 1 or len(self.request.checkpoints) > candidates + 1:
            msg = "`candidates`, `baselines`: must be one file a side; got several"
            raise ConfigError(msg, "candidates", "baselines")
        return [(slice(self.suite.draws), slice(self.suite.draws, None))]

    def result(
        self,
        checkpoint: Checkpoint,
        subsets: Sequence[Subset],
        cells: Sequence[Cell],
        method: Mapping[str, Any],
    ) -> EvalResult:
        """Return the result of one checkpoint and draw; `method` says how it was adapted."""
        suite = self.suite.model_dump(mode="json")
        identity = _identity(checkpoint.id, subsets, method, suite["paired_seeds"])
        subject = Subject(identity, self.test, suite, self.request.runtime.device.type)
        about = _about(checkpoint, self.pool)
        facts = {**method, "probed": checkpoint.id.sha256}
        return record(subject, answer(subsets, self.pool, self.test, cells, about, **facts))


class ProbedStudy(_OnSubsets):
    """The features of a frozen network are computed once; a probe is fitted per draw and size."""

    def units(self) -> list[Unit]:
        """Return the features of pool and test images of every checkpoint.

        Raises:
            Unsupported: a network does not say what it has before its head.
        """
        return [unit for job in self._passes for unit in job.units]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Fit the probes; return a result per checkpoint and draw."""
        left = iter(outcomes)
        tables = [job.joined(list(islice(left, len(job.units)))) for job in self._passes]
        features = [Depths(table).of("stream", -1) for ((table,),) in tables]
        method = {"protocol": PROTOCOLS[self.suite.protocol].facts()}
        return [
            self.result(checkpoint, own, [self._cell(s, pool, test) for s in own], method)
            for checkpoint, pool, test in zip(
                self.request.checkpoints, features[::2], features[1::2], strict=True
            )
            for own in self.subsets.values()
        ]

    @cached_property
    def _passes(self) -> list[Pass]:
        """Pool and test images, for every checkpoint."""
        subjects = [
            EvaluatedModel(checkpoint, ClassMap((), restricted=False))
            for checkpoint in self.request.checkpoints
        ]
        return [
            Pass.clean(subject, examples, self.request.runtime, unit=FeatureUnit)
            for subject in subjects
            for examples in (self.pool, self.test)
        ]

    def _cell(self, subset: Subset, pool: NDArray[np.float32], shown: NDArray[np.float32]) -> Cell:
        """Fit the probe of one subset, and test it on the features `shown`."""
        protocol, test = PROTOCOLS[self.suite.protocol], self.test
        own, classes = subset.examples, len(test.classes)
        order = np.argsort(self.pool.ids)
        where = order[np.searchsorted(self.pool.ids, own.ids, sorter=order)]
        train = Features(Train, pool[where], own.labels, own.ids, classes)
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


class FineTunedStudy(_OnSubsets):
    """The whole network is trained on, once per draw, size and head."""

    def units(self) -> list[FineTunedUnit]:
        """Return every fine-tuning.

        Raises:
            Unsupported: a network that is not built here.
        """
        return [
            unit
            for checkpoint in self.request.checkpoints
            for subsets in self.subsets.values()
            for unit in self._of_draw(checkpoint, subsets)
        ]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per checkpoint and draw."""
        left, results = iter(outcomes), []
        method = {"fine_tune": self.suite.model_dump(include={"steps", "batch", "learning_rate"})}
        for checkpoint in self.request.checkpoints:
            for subsets in self.subsets.values():
                cells = [
                    self._cell(subset, repeat, next(left))
                    for subset in subsets
                    for repeat in range(self.suite.repeats)
                ]
                results.append(self.result(checkpoint, subsets, cells, method))
        return results

    def _of_draw(
        self, checkpoint: Checkpoint, subsets: Sequence[Subset]
    ) -> Iterator[FineTunedUnit]:
        """Yield sizes x heads; the subset stands in for validation, and selects nothing."""
        suite, profile = self.suite, self.request.runtime.profile()
        plan = FineTune(suite.steps, suite.batch, suite.learning_rate)
        for subset in subsets:
            splits = subset.examples, subset.examples
            for repeat in range(suite.repeats):
                unit = FineTunedUnit(checkpoint, plan, splits, self.test, repeat, profile)
                _ = unit.recipe  # refuses a network that is not built here
                yield unit

    def _cell(self, subset: Subset, repeat: int, content: bytes) -> Cell:
        condition = {**CLEAN, "per_class": subset.per_class, "repeat": repeat}
        outcomes = FineTunedUnit.unpacked(content).outcomes
        return cell_of(condition, outcomes, self.test.labels, primary=True)


def _identity(
    own: CheckpointId, subsets: Sequence[Subset], method: Mapping[str, Any], paired: Any
) -> CheckpointId:
    """Return the record of a checkpoint together with a draw and a method."""
    draw = subsets[0].draw
    facts = [own.sha256, method, [subset.record() for subset in subsets]]
    return replace(
        own,
        name=f"{own.name} draw {draw}",
        sha256=hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest(),
        training={**own.training, "seed": draw, "data_order": STREAM, "paired_seeds": paired},
    )


def _about(checkpoint: Checkpoint, pool: Examples) -> Iterator[str]:
    what = pool.inputs.modality
    yield f"draws are of training {what}: this is about these files, not their architectures"
    seen = int(np.isin(pool.hashes, checkpoint.training_hashes).sum())
    if seen:
        yield (
            f"{checkpoint.id.name} was trained on {seen} of the {len(pool)} {what} from which "
            f"subsets are drawn: its features depend on more {what} than a subset holds"
        )
