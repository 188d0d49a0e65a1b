"""One network learns its tasks stage by stage; a training resumes after any of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import islice
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from acn_eval.data import Examples, unit_range
from acn_eval.engine.protocol import Show
from acn_eval.inference import Runtime
from acn_eval.inference.outputs import outputs
from acn_eval.models import Encoder, build, initialize
from acn_eval.seeds import keyed_order, seed_for
from acn_eval.studies.continual.methods import EWC, SI, Replay
from acn_eval.studies.continual.plan import TaskSequenceRun
from acn_eval.studies.continual.regularizers import Elastic, Regularizer, Shown, Synaptic
from acn_eval.tally import quietly
from acn_eval.training.batches import augmented, batch_indices
from acn_eval.training.fit import finite
from acn_eval.training.resume import Resume
from acn_eval.training.threads import fitting_threads, forward_flops

__all__ = ["Learner", "TaskPredictions", "paces", "train_run"]

_SHOWN_EVERY = 10
_WARM, _MEASURED = 2, 5


@dataclass
class TaskPredictions:
    """Predictions for the test images after every stage.

    Attributes:
        predicted: int16 (stages, 2, n): labels among the classes of the image's own task, and
            among all classes so far.
        correct: int64 (stages, exits, tasks): images of each task that each exit 0 .. L predicts
            correctly among the classes of their own task.
    """

    predicted: list[Tensor] = field(default_factory=list)
    correct: list[Tensor] = field(default_factory=list)

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return both as arrays."""
        predicted = torch.stack(self.predicted).numpy().astype(np.int32)
        return predicted, torch.stack(self.correct).numpy()


def train_run(run: TaskSequenceRun, runtime: Runtime, show: Show = quietly) -> TaskPredictions:
    """Train a run to its end, from the last stage that is kept.

    A training that was killed goes on from its state and, on a CPU, ends with the same numbers
    bit for bit.

    Raises:
        MeasureError: a loss is no longer finite.
    """
    resume = Resume(runtime, run.address, show)
    learner = resume.begin(partial(Learner, run, runtime))
    with fitting_threads(learner.network, run.plan.suite.batch), resume.following() as after:
        while learner.stage < len(run.stages):
            learner.learn(resume.tell, after)
    return learner.predictions


def paces(
    run: TaskSequenceRun, runtime: Runtime, clock: Callable[[], float]
) -> tuple[float, float]:
    """Return the seconds per training example and per score of EWC in the last stage."""
    times = []
    learner = Learner(run, runtime)
    with fitting_threads(learner.network, run.plan.suite.batch):
        learner.stage = len(run.stages) - 1
        for step in range(_WARM + _MEASURED):
            begin = clock()
            shown = learner.batch(step)
            learner.step(shown).item()  # waits for the device
            times.append((clock() - begin) / len(shown.images))
        begin = clock()
        learner.end_task(_MEASURED)
        scores = _MEASURED * shown.columns.shape[1]
        return median(times[_WARM:]), (clock() - begin) / scores


class Learner:
    """A network on its way through its tasks."""

    def __init__(self, run: TaskSequenceRun, runtime: Runtime) -> None:
        self.run, self.suite, self.runtime = run, run.plan.suite, runtime
        self.device = runtime.device
        fresh = initialize(build(run.arch), seed_for("init", run.seed))
        self.network = fresh.to(self.device).train()
        self.regularizer = _regularizer(run, self.network)
        self.optimizer = self._optimizer()
        self.stage, self.step_in_stage, self.predictions = 0, 0, TaskPredictions()
        self.columns = torch.from_numpy(run.tasks.columns).to(self.device)
        self.of_class = torch.from_numpy(run.tasks.of_class).to(self.device)
        for parameter in self.network.parameters():
            parameter.grad = torch.zeros_like(parameter)

    @property
    def done(self) -> int:
        """Steps that are done."""
        return sum(self.run.steps[: self.stage]) + self.step_in_stage

    def learn(
        self,
        tell: Callable[[int], None] = quietly,
        after: Callable[["Learner"], None] = lambda learner: None,
    ) -> None:
        """Learn the rest of a stage, and predict the test images.

        Args:
            tell: called now and then with the steps that are done.
            after: called after every step, and after the stage.
        """
        steps = self.run.steps[self.stage]
        if self.suite.optimizer == "reset" and not self.step_in_stage:
            self.optimizer = self._optimizer()
        while self.step_in_stage < steps:
            loss = self.step(self.batch(self.step_in_stage))
            self.step_in_stage += 1
            if self.step_in_stage % _SHOWN_EVERY == 0 or self.step_in_stage == steps:
                finite(loss, self.done)
                tell(self.done)
            after(self)
        self.end_task()
        self._predict()
        self.stage, self.step_in_stage = self.stage + 1, 0
        after(self)

    def step(self, shown: Shown) -> Tensor:
        """Do one step, and return the loss of the batch ()."""
        self.optimizer.zero_grad(set_to_none=False)
        logits = self.network(shown.images).gather(1, shown.columns)
        loss = cross_entropy(logits, shown.targets, label_smoothing=self.suite.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        self.regularizer.add_gradient()
        if self.suite.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.suite.clip)
        self.optimizer.step()
        self.regularizer.after_step()
        return loss.detach()

    def batch(self, step: int) -> Shown:
        """Return the batch of a step of this stage; it depends on seed, stage and step alone."""
        parts = [self._drawn(self.run.stages[self.stage], self.suite.batch, step, "order")]
        if self.run.replayed and self.stage:
            memory = _joined(self.remembered[: self.stage])
            parts.append(self._drawn(memory, self.run.replayed, step, "replayed order"))
        return Shown(*(torch.cat(each) for each in zip(*parts, strict=True)))

    def end_task(self, images: int | None = None) -> None:
        """End a stage: show at most `images` of its images to the regularizer."""
        self.regularizer.end_task(islice(self._one_by_one(), images))

    @cached_property
    def remembered(self) -> list[Examples]:
        """The images of every stage that replay keeps: the first of each class, by the seed."""
        method, seed = self.run.method, self.run.seed
        if not isinstance(method, Replay):
            return []
        return [_first_of_classes(part, method.per_class, seed) for part in self.run.stages]

    def state(self) -> dict[str, Any]:
        """Return the state that a resume needs after a step."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "regularizer": dict(self.regularizer.state),
            "stage": self.stage,
            "step": self.step_in_stage,
            **vars(self.predictions),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.regularizer.restore(state["regularizer"])
        self.stage, self.step_in_stage = state["stage"], state["step"]
        self.predictions = TaskPredictions(list(state["predicted"]), list(state["correct"]))

    def _optimizer(self) -> torch.optim.AdamW:
        """Matrices decay; biases, norms, other vectors and the head do not."""
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
        seed, stage = self.run.seed, self.stage
        where = batch_indices(len(examples), size, step, seed_for(stream, seed, stage))
        plan = self.run.plan
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
        images = self.run.plan.prepare.normalize(images.to(self.device))
        return Shown(images, columns, targets)

    def _so_far(self) -> Tensor:
        return self.columns[: self.run.tasks_after[self.stage]].flatten()

    def _one_by_one(self) -> Iterator[Shown]:
        """Yield images of this stage one at a time, not augmented, in an order of their own."""
        part, plan = self.run.stages[self.stage], self.run.plan
        for at in keyed_order(part.ids, "consolidation", self.run.seed):
            where = np.array([at])
            images = unit_range(part.read(where, plan.prepare.spec))
            yield self._shown(images, part.labels[where])

    def _predict(self) -> None:
        """Append the predictions of every exit for the test images."""
        plan, name = self.run.plan, f"seed {self.run.seed} after task {self.stage + 1}"
        self.network.eval()
        every = outputs(
            lambda images: torch.stack(self.network.exits(images)),
            plan.test,
            plan.prepare,
            self.runtime.batches(forward_flops(self.network, 1)),
            name=name,
        )
        parts = [self._answers(where, exits) for where, exits in every]
        self.network.train()
        predicted, correct = zip(*parts, strict=True)
        self.predictions.predicted.append(torch.cat(predicted, dim=1).to(torch.int16))
        self.predictions.correct.append(torch.stack(correct).sum(0))

    def _answers(self, where: NDArray[np.int64], exits: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions (2, n) of the last exit, and correct answers (exits, tasks) of all.

        Args:
            where: indices (n,) of test images.
            exits: their logits (exits, n, classes).
        """
        labels = torch.from_numpy(self.run.plan.test.labels[where]).to(self.device)
        task = self.of_class[labels]
        own = self.columns[task]
        best = exits.gather(2, own.expand(len(exits), -1, -1)).argmax(2)
        among_own = own.expand(len(exits), -1, -1).gather(2, best[..., None])[..., 0]
        so_far = self._so_far()
        among_all = so_far[exits[-1][:, so_far].argmax(1)]
        hits = (among_own == labels).long()
        counts = hits.new_zeros(len(exits), len(self.columns)).index_add_(1, task, hits)
        return torch.stack([among_own[-1], among_all]).cpu(), counts.cpu()


def _regularizer(run: TaskSequenceRun, network: Encoder) -> Regularizer:
    match run.method:
        case SI() as method:
            rate = run.plan.suite.learning_rate
            return Synaptic(method, list(network.parameters()), rate)
        case EWC() as method:
            return Elastic(method, network)
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
