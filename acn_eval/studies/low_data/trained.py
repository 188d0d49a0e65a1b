"""Trainings from recipes on few images: a unit per stack, a result per side and draw."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from acn_eval.data import Split
from acn_eval.inference import CLEAN, OutcomeCache, Runtime
from acn_eval.inference.outputs import outputs
from acn_eval.models import Encoder
from acn_eval.results import Cell, CheckpointId, EvalResult
from acn_eval.studies.low_data.draws import STREAM
from acn_eval.studies.low_data.plan import LowDataPlan, Stack, Training, weights_decided_by
from acn_eval.studies.low_data.subsets import Subsets, details, warnings
from acn_eval.studies.low_data.suite import LowData
from acn_eval.study.described import Described
from acn_eval.study.record import Answer, Subject, cell_of, in_words, record, training_id
from acn_eval.study.request import Request
from acn_eval.study.run import Show, Study
from acn_eval.training import Recipe, TrainingJob, train_all
from acn_eval.training.threads import fitting_threads

__all__ = ["LowDataStudy", "StackUnit"]

_OUTCOME = np.dtype(
    [("id", np.int64), ("predicted", np.int32), ("confidence", np.float32), ("loss", np.float32)]
)
"""What is kept per training and test image."""
_VALUES = ("predicted", "confidence", "loss")


@dataclass(frozen=True)
class StackUnit(Described):
    """Trainings that are stepped as one, and what their networks make of the test images.

    Attributes:
        side: 0 for the candidate, 1 for the baseline.
        number: of the stack among those of its side and draw.
        device: type of the device.
    """

    plan: LowDataPlan
    side: int
    draw: int
    number: int
    device: str
    cacheable: ClassVar[bool] = True

    @property
    def stack(self) -> Stack:
        """The trainings."""
        return self.plan.stacks[self.side][self.draw][self.number]

    @cached_property
    def address(self) -> str:
        """Content address of recipes, subsets and test images."""
        trainings = [
            [
                weights_decided_by(t.job.recipe),
                t.subset.learned.fingerprint,
                t.subset.held_out.fingerprint,
            ]
            for t in self.stack
        ]
        return OutcomeCache.key(["learned v1", trainings, self.plan.test.fingerprint, self.device])

    @property
    def cost(self) -> int:
        """Training steps."""
        return len(self.stack) * self.plan.suite.steps

    @property
    def bundle(self) -> Hashable:
        """Nothing is shared."""
        return self.address

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield outcomes (trainings, n); see `acn_eval.study.run.Unit`.

        Raises:
            MeasureError: a loss or a logit is not finite.
        """
        for unit in units:
            jobs = [training.job for training in unit.stack]
            pairs = zip(train_all(jobs, runtime.device, show), jobs, strict=True)
            yield b"".join(_shown(unit.plan, *pair, runtime).tobytes() for pair in pairs)

    def unpacked(self, content: bytes) -> NDArray[np.void]:
        """Read what `measure` yields: outcomes (trainings, n)."""
        return np.frombuffer(content, _OUTCOME).reshape(len(self.stack), -1)


@dataclass(frozen=True)
class LowDataStudy(Study):
    """Both sides of a plan: candidates first, draw by draw.

    Attributes:
        split: what is shown at the end.
    """

    request: Request[LowData]
    split: Split = "test"
    work: ClassVar[str] = "training steps"

    @cached_property
    def plan(self) -> LowDataPlan:
        """The suite with its data."""
        selection = self.request.selection
        return LowDataPlan(self.request.suite, selection.root, selection.limit, self.split)

    @property
    def subsets(self) -> Subsets:
        """The subsets by draw."""
        return self.plan.subsets

    def units(self) -> list[StackUnit]:
        """Return every stack.

        Raises:
            ConfigError: the sides differ in their data, or cannot be trained as asked.
            DataError: the data is not there, or a class has too few images.
        """
        device = self.request.runtime.device.type
        return [
            StackUnit(self.plan, side, draw, number, device)
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
        answer = Answer(
            tuple(cells),
            warnings=tuple(warnings(plan.subsets[draw], plan.test)),
            details={**details(plan.subsets[draw], plan.pool), "stepped_together": together},
        )
        return record(subject, answer)


def _shown(
    plan: LowDataPlan, network: Encoder, job: TrainingJob, runtime: Runtime
) -> NDArray[np.void]:
    """Show the test images to a network; outcomes (n,)."""
    test, batches = plan.test, runtime.batches()
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
        preprocessing={
            "size": arch.image_size,
            "channels": arch.channels,
            "moments": "of the images that are learned from",
        },
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
    """Return what two fair recipes have in common, in one line."""
    shared = {"batch", "clip", "label_smoothing", "precision", "warmup", "weight_decay"}
    return in_words({**recipe.model_dump(include=shared), **recipe.augment.model_dump()})
