"""One network learns a course: stage by stage, each of which can be resumed."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from acn_eval.data import Examples, unit_range
from acn_eval.inference.outputs import outputs
from acn_eval.models import Encoder, build, initialise
from acn_eval.seeds import keyed_order, seed_for
from acn_eval.studies.continual.ewc import Elastic
from acn_eval.studies.continual.methods import EWC, SI, Replay
from acn_eval.studies.continual.plan import TaskSequenceRun
from acn_eval.studies.continual.regularizer import Regularizer, Shown
from acn_eval.studies.continual.si import Synaptic
from acn_eval.tally import Tally
from acn_eval.training.batches import augmented, batch_indices
from acn_eval.training.fit import finite
from acn_eval.training.threads import fitting_threads

__all__ = ["Learner", "TaskPredictions", "train_run"]

Told = Callable[[int], None]
"""Called with the steps of a stage that are done."""
_TOLD_EVERY = 10


@dataclass
class TaskPredictions:
    """What the test images made of the network after every stage.

    Attributes:
        predicted: int16 (stages, 2, n): labels among the classes of the image's own task, and
            among all classes so far.
        correct: int64 (stages, exits, tasks): images of each task that each exit 0 .. L gets
            right among the classes of their own task.
    """

    predicted: list[Tensor] = field(default_factory=list)
    correct: list[Tensor] = field(default_factory=list)

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return both as arrays."""
        predicted = torch.stack(self.predicted).numpy().astype(np.int32)
        return predicted, torch.stack(self.correct).numpy()


def train_run(course: TaskSequenceRun, counter: Tally | None = None) -> TaskPredictions:
    """Return the looks at a course: from the store, or from a training now.

    What is reached at the end of a stage is kept, and a killed training goes on from there; on
    CPU it ends with the same numbers bit for bit.

    Args:
        course: what is learned.
        counter: of the steps that are done and kept.

    Raises:
        MeasureError: a loss is no longer finite.
    """
    counter = counter or Tally(sum(course.steps), "training steps")
    store, address = course.plan.runtime.store, course.address
    content = store.read(address)
    if content is not None:
        counter.add(sum(course.steps))
        return _looks(_unpacked(content))
    learner = Learner(course)
    with fitting_threads(learner.network, course.plan.suite.batch):
        reached = store.read(address + "-stage")
        if reached is not None:
            learner.restore(_unpacked(reached))
            counter.add(sum(course.steps[: learner.stage]))
        while learner.stage < len(course.lessons):
            learner.learn(counter.show)
            store.write(address + "-stage", _packed(learner.state()))
            counter.add(course.steps[learner.stage - 1])
    store.write(address, _packed(vars(learner.looks)))
    store.drop(address + "-stage")
    return learner.looks


class Learner:
    """A network on its way through a course."""

    def __init__(self, course: TaskSequenceRun) -> None:
        self.course, self.suite = course, course.plan.suite
        self.device = course.plan.runtime.device
        fresh = initialise(build(course.arch), seed_for("init", course.seed))
        self.network = fresh.to(self.device).train()
        self.guard = _guard(course, self.network)
        self.optimizer = self._optimizer()
        self.stage, self.looks = 0, TaskPredictions()
        self.columns = torch.from_numpy(course.tasks.columns).to(self.device)
        self.of_class = torch.from_numpy(course.tasks.of_class).to(self.device)
        for parameter in self.network.parameters():
            parameter.grad = torch.zeros_like(parameter)

    def learn(self, told: Told = lambda steps: None) -> None:
        """Learn the next stage, and look at the test images."""
        course, stage = self.course, self.stage
        before = sum(course.steps[:stage])
        if self.suite.optimizer == "reset":
            self.optimizer = self._optimizer()
        for step in range(course.steps[stage]):
            loss = self.step(self.batch(step))
            if (step + 1) % _TOLD_EVERY == 0 or step + 1 == course.steps[stage]:
                finite(loss, before + step + 1)
                told(step + 1)
        self.end_task()
        self._predict()
        self.stage += 1

    def step(self, shown: Shown) -> Tensor:
        """Do one step, and return the loss of the batch ()."""
        self.optimizer.zero_grad(set_to_none=False)
        logits = self.network(shown.images).gather(1, shown.columns)
        loss = cross_entropy(logits, shown.targets, label_smoothing=self.suite.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        self.guard.add_gradient()
        if self.suite.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.suite.clip)
        self.optimizer.step()
        self.guard.after_step()
        return loss.detach()

    def batch(self, step: int) -> Shown:
        """Return what is shown at a step of this stage: it depends on seed, stage and step."""
        parts = [self._drawn(self.course.lessons[self.stage], self.suite.batch, step, "order")]
        if self.course.replayed and self.stage:
            memory = _joined(self.remembered[: self.stage])
            parts.append(self._drawn(memory, self.course.replayed, step, "replayed order"))
        return Shown(*(torch.cat(each) for each in zip(*parts, strict=True)))

    def end_task(self, images: int | None = None) -> None:
        """End a stage: show the guard images of it, as many as it wants, or at most `images`."""
        self.guard.end_task(islice(self._one_by_one(), images))

    @cached_property
    def remembered(self) -> list[Examples]:
        """What replay keeps of every stage: the first images of each class, drawn by the seed."""
        remedy, seed = self.course.method, self.course.seed
        if not isinstance(remedy, Replay):
            return []
        return [_first_of_classes(part, remedy.per_class, seed) for part in self.course.lessons]

    def state(self) -> dict[str, Any]:
        """Return what a resume needs at the end of a stage."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "guard": dict(self.guard.state()),
            "stage": self.stage,
            **vars(self.looks),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.guard.restore(state["guard"])
        self.stage, self.looks = state["stage"], _looks(state)

    def _optimizer(self) -> torch.optim.AdamW:
        """Maps decay; biases, norms, other vectors and the head do not."""
        head = set(self.network.head.parameters())
        every = list(self.network.parameters())
        decayed = [p for p in every if p.dim() > 1 and p not in head]
        rest = [p for p in every if p.dim() <= 1 or p in head]
        groups: list[dict[str, Any]] = [{"params": decayed}, {"params": rest, "weight_decay": 0.0}]
        suite = self.suite
        return torch.optim.AdamW(
            groups, lr=suite.learning_rate, weight_decay=suite.weight_decay, fused=True
        )

    def _drawn(self, examples: Examples, size: int, step: int, stream: str) -> Shown:
        seed, stage = self.course.seed, self.stage
        where = batch_indices(len(examples), size, step, seed_for(stream, seed, stage))
        plan = self.course.plan
        key = seed_for("augment", stream, seed, stage, step)
        images, _ = augmented(examples, where, plan.prepare.spec, self.suite.augment, key)
        return self._shown(images, examples.labels[where])

    def _shown(self, images: Tensor, labels: NDArray[np.int64]) -> Shown:
        right = torch.from_numpy(labels).to(self.device)
        if self.suite.logits == "task":
            columns = self.columns[self.of_class[right]]
        else:
            columns = self._so_far().expand(len(right), -1)
        targets = (columns == right[:, None]).int().argmax(1)
        images = self.course.plan.prepare.normalize(images.to(self.device))
        return Shown(images, columns, targets)

    def _so_far(self) -> Tensor:
        return self.columns[: self.course.learned[self.stage]].flatten()

    def _one_by_one(self) -> Iterator[Shown]:
        """Yield images of this stage one at a time, as they are, in an order of their own."""
        part, plan = self.course.lessons[self.stage], self.course.plan
        for at in keyed_order(part.ids, "consolidation", self.course.seed):
            where = np.array([at])
            images = unit_range(part.read(where, plan.prepare.spec))
            yield self._shown(images, part.labels[where])

    def _predict(self) -> None:
        """Show the test images to every exit, and keep what they answer."""
        plan, name = self.course.plan, f"seed {self.course.seed} after task {self.stage + 1}"
        self.network.eval()
        every = outputs(
            lambda images: torch.stack(self.network.exits(images)),
            plan.test,
            plan.prepare,
            plan.runtime.batches(),
            name=name,
        )
        parts = [self._answers(where, exits) for where, exits in every]
        self.network.train()
        predicted, correct = zip(*parts, strict=True)
        self.looks.predicted.append(torch.cat(predicted, dim=1).to(torch.int16))
        self.looks.correct.append(torch.stack(correct).sum(0))

    def _answers(self, where: NDArray[np.int64], exits: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions (2, n) of the last exit, and correct answers (exits, tasks) of all.

        Args:
            where: indices (n,) of test images.
            exits: their logits (exits, n, classes).
        """
        labels = torch.from_numpy(self.course.plan.test.labels[where]).to(self.device)
        task = self.of_class[labels]
        own = self.columns[task]
        best = exits.gather(2, own.expand(len(exits), -1, -1)).argmax(2)
        among_own = own.expand(len(exits), -1, -1).gather(2, best[..., None])[..., 0]
        so_far = self._so_far()
        among_all = so_far[exits[-1][:, so_far].argmax(1)]
        hits = (among_own == labels).long()
        counts = hits.new_zeros(len(exits), len(self.columns)).index_add_(1, task, hits)
        return torch.stack([among_own[-1], among_all]).cpu(), counts.cpu()


def _guard(course: TaskSequenceRun, network: Encoder) -> Regularizer:
    match course.method:
        case SI() as remedy:
            rate = course.plan.suite.learning_rate
            return Synaptic(remedy, list(network.parameters()), rate)
        case EWC() as remedy:
            return Elastic(remedy, network)
        case _:
            return Regularizer()


def _first_of_classes(part: Examples, count: int, seed: int) -> Examples:
    ordered = part.at(keyed_order(part.ids, "replay", seed))
    each = [np.flatnonzero(ordered.labels == c)[:count] for c in np.unique(ordered.labels)]
    return ordered.at(np.concatenate(each))


def _joined(parts: list[Examples]) -> Examples:
    """Join parts of one data set: they share their pictures."""
    ids, labels, positions = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("ids", "labels", "positions")
    )
    return replace(parts[0], ids=ids, labels=labels, positions=positions)


def _packed(state: object) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def _unpacked(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return found


def _looks(found: dict[str, Any]) -> TaskPredictions:
    return TaskPredictions(list(found["predicted"]), list(found["correct"]))
