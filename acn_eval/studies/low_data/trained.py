"""Trainings from recipes on few images: a unit per stack, a result per side and draw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from acn_eval.cache import OutcomeCache
from acn_eval.data import Split
from acn_eval.engine.protocol import Show
from acn_eval.errors import ConfigError
from acn_eval.inference import CLEAN, NumericProfile, Runtime
from acn_eval.inference.outputs import outputs
from acn_eval.models import Encoder, build, cost
from acn_eval.results import Cell, CheckpointId, EvalResult
from acn_eval.studies.low_data.draws import STREAM, answer
from acn_eval.studies.low_data.plan import LowDataPlan, Stack, Training, weights_decided_by
from acn_eval.studies.low_data.suite import LowData
from acn_eval.study.record import Subject, cell_of, in_words, record, training_id
from acn_eval.study.run import Described, Unit
from acn_eval.study.trainings import TrainingCost, TrainingStudy
from acn_eval.training import Recipe, TrainingJob, seconds_per_step, train_all
from acn_eval.training.resume import Resume
from acn_eval.training.threads import fitting_threads, forward_flops

__all__ = ["LowDataStudy", "StackUnit"]

_OUTCOME = np.dtype(
    [("id", np.int64), ("predicted", np.int32), ("confidence", np.float32), ("loss", np.float32)]
)
"""The outcome of one training on one test image."""
_MOMENTS = {"moments": "of the images that are learned from"}
_VALUES = ("predicted", "confidence", "loss")


@dataclass(frozen=True)
class StackUnit(Described, Unit):
    """Trainings that are stepped as one, and the outcomes of their networks on the test images.

    Attributes:
        side: 0 for the candidate, 1 for the baseline.
        number: of the stack among those of its side and draw.
        profile: of the process; batch and precision of the training are in its recipe.
    """

    plan: LowDataPlan
    side: int
    draw: int
    number: int
    profile: NumericProfile
    resumes = True

    @property
    def title(self) -> str:
        """The draw of the images that are learned from."""
        return f"trainings of draw {self.draw}, stack {self.number}"

    @property
    def stack(self) -> Stack:
        """The trainings."""
        return self.plan.stacks[self.side][self.draw][self.number]

    @cached_property
    def address(self) -> str:
        """Content address of recipes, subsets and test images."""
        subsets = [(t.subset.learned, t.subset.held_out) for t in self.stack]
        trainings = [
            [weights_decided_by(t.job.recipe), *(part.fingerprint for part in parts)]
            for t, parts in zip(self.stack, subsets, strict=True)
        ]
        facts = trainings, self.plan.test.fingerprint, self.profile.facts()
        return OutcomeCache.key(["learned v2", *facts])

    @property
    def cost(self) -> int:
        """Training steps."""
        return len(self.stack) * self.plan.suite.steps

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield outcomes (trainings, n); see `acn_eval.study.run.Unit`.

        Raises:
            MeasureError: a loss or a logit is not finite.
        """
        for unit in units:
            jobs = [training.job for training in unit.stack]
            resume = Resume(runtime, unit.address, show, len(jobs))
            pairs = zip(train_all(jobs, runtime.device, resume), jobs, strict=True)
            yield b"".join(_shown(unit.plan, *pair, runtime).tobytes() for pair in pairs)

    def unpacked(self, content: bytes) -> NDArray[np.void]:
        """Read what `measure` yields: outcomes (trainings, n)."""
        return np.frombuffer(content, _OUTCOME).reshape(len(self.stack), -1)


@dataclass(frozen=True)
class LowDataStudy(TrainingStudy[LowData]):
    """Both sides of a plan: candidates first, draw by draw.

    Attributes:
        split: on which networks are tested at the end.
    """

    split: Split = "test"

    @cached_property
    def plan(self) -> LowDataPlan:
        """The suite with its data.

        Raises:
            ConfigError: other data is asked for.
        """
        suite, selection = self.request.suite, self.request.selection
        if selection.data:
            msg = f"`data`: must be left out; the recipes of {suite.name} name their data"
            raise ConfigError(msg, "data")
        return LowDataPlan(suite, selection.root, selection.limit, self.split)

    def units(self) -> list[StackUnit]:
        """Return every stack.

        Raises:
            ConfigError: the sides differ in their data, or cannot be trained as asked.
            DataError: the data is not there, or a class has too few images.
        """
        profile = self.request.runtime.profile()
        return [
            StackUnit(self.plan, side, draw, number, profile)
            for side, draws in enumerate(self.plan.stacks)
            for draw, stacks in draws.items()
            for number in range(len(stacks))
        ]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per side and draw."""
        left = zip(self.units(), outcomes, strict=True)
        return [
            self._result(side, draw, list(islice(left, len(stacks))))
            for side, draws in enumerate(self.plan.stacks)
            for draw, stacks in draws.items()
        ]

    def groups(self, candidates: int = 0) -> list[tuple[slice, slice]]:
        """Return where the draws of both sides lie."""
        draws = self.plan.suite.draws
        return [(slice(draws), slice(draws, None))]

    @property
    def scale(self) -> str:
        """Data, sizes and repetitions in one line."""
        plan, suite, what = self.plan, self.plan.suite, self.plan.pool.inputs.modality
        sizes = ", ".join(str(subset.per_class) for subset in next(iter(plan.subsets.values())))
        return (
            f"{plan.pool.name}: {sizes} {what} per class of {len(plan.pool):,}, "
            f"{suite.draws} draws, {suite.repeats} initializations, {suite.steps:,} steps; "
            f"evaluated on {len(plan.test):,} test {what}"
        )

    def costs(self) -> list[TrainingCost]:
        """Return the cost of each side."""
        units = self.units()
        return [self._cost([unit for unit in units if unit.side == side]) for side in (0, 1)]

    def _cost(self, units: Sequence[StackUnit]) -> TrainingCost:
        side, runtime = self.plan.sides[units[0].side], self.request.runtime
        arch = side.recipe.arch
        missing = [unit for unit in units if runtime.store.read(unit.address) is None]
        trainings, left = (sum(len(unit.stack) for unit in some) for some in (units, missing))
        each, test = side.recipe.steps * side.recipe.batch, len(self.plan.test)
        forward = cost(build(arch), arch.blank(1)).flops
        jobs = [training.job for training in missing[0].stack] if missing else []
        pace = seconds_per_step(jobs, runtime.device) if jobs else 0.0
        return TrainingCost(
            name=side.name,
            trainings=trainings,
            done=trainings - left,
            steps=sum(unit.cost for unit in units),
            examples=trainings * each,
            flops=trainings * forward * (3 * each + test),
            seconds=sum(unit.cost for unit in missing) * pace * (1 + test / (3 * each)),
            together=max(len(unit.stack) for unit in units),
        )

    def _result(
        self, side: int, draw: int, found: Sequence[tuple[StackUnit, bytes]]
    ) -> EvalResult:
        plan = self.plan
        together = max(len(unit.stack) for unit, _ in found)
        cells = [
            cell
            for unit, content in found
            for training, row in zip(unit.stack, unit.unpacked(content), strict=True)
            for cell in _cells(plan, training, row)
        ]
        subject = Subject(
            _identity(plan, side, draw, together),
            plan.test,
            plan.suite.model_dump(mode="json"),
            self.request.runtime.device.type,
        )
        own = plan.subsets[draw]
        return record(subject, answer(own, plan.pool, plan.test, cells, stepped_together=together))


def _shown(
    plan: LowDataPlan, network: Encoder, job: TrainingJob, runtime: Runtime
) -> NDArray[np.void]:
    """Return the outcomes (n,) of a network on the test images."""
    test, batches = plan.test, runtime.batches(forward_flops(network, 1))
    outcomes = np.empty(len(test), _OUTCOME)
    outcomes["id"] = test.ids
    name = f"seed {job.recipe.seed} of low-data training"
    with fitting_threads(network, batches.size):
        for where, logits in outputs(network, test, job.prepare, batches, name=name):
            labels = torch.from_numpy(test.labels[where]).to(logits.device)
            confidence, predicted = logits.softmax(1).max(1)
            losses = cross_entropy(logits, labels, reduction="none")
            for field, values in zip(_VALUES, (predicted, confidence, losses), strict=True):
                outcomes[field][where] = values.cpu().numpy()
    return outcomes


def _cells(plan: LowDataPlan, training: Training, row: NDArray[np.void]) -> Iterator[Cell]:
    condition = {**CLEAN, "per_class": training.subset.per_class, "repeat": training.repeat}
    yield cell_of(condition, row, plan.test.labels, primary=True)
    yield Cell(condition, row["id"].copy(), row["loss"].copy(), measure="loss")


def _identity(plan: LowDataPlan, side: int, draw: int, together: int) -> CheckpointId:
    name, recipe = plan.sides[side].name, plan.sides[side].recipe
    arch, subsets = recipe.arch, [subset.record() for subset in plan.subsets[draw]]
    return training_id(
        f"{name} draw {draw}",
        f"recipe:{name}",
        [weights_decided_by(recipe), draw, plan.suite.repeats, subsets, together],
        arch,
        preprocessing={**arch.reads, **_MOMENTS} if "size" in arch.reads else arch.reads,
        training={
            "seed": draw,
            "data_order": STREAM,
            "paired_seeds": plan.suite.model_dump(mode="json")["paired_seeds"],
            "data": recipe.data,
            "data_fingerprint": plan.pool.fingerprint,
            "learning_rate": recipe.learning_rate,
            "recipe": _in_words(recipe),
            "steps": recipe.steps,
            "examples": recipe.steps * recipe.batch,
            "trainings": len(subsets) * plan.suite.repeats,
        },
    )


def _in_words(recipe: Recipe) -> str:
    """Return the settings that two fair recipes share, in one line."""
    shared = {"batch", "clip", "label_smoothing", "precision", "warmup", "weight_decay"}
    return in_words({**recipe.model_dump(include=shared), **recipe.augment.model_dump()})
