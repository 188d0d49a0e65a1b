"""Dynamics: a unit per network that is observed while it is trained, or that is finished."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import Checkpoint
from acn_eval.config_files import recorded
from acn_eval.data import Examples, Split
from acn_eval.data.cloze import Cloze
from acn_eval.data.tokens import PrepareTokens
from acn_eval.engine.protocol import Show
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.inference import EvaluatedModel, NumericProfile, Runtime, class_map
from acn_eval.inference.spread import Spread
from acn_eval.models import Encoder, build, cost
from acn_eval.results import EvalResult
from acn_eval.studies.dynamics.measure import Observation, observe
from acn_eval.studies.dynamics.plan import DynamicsPlan
from acn_eval.studies.dynamics.snapshots import Observer, Snapshot, encoder_of
from acn_eval.studies.dynamics.suite import Arm, Dynamics, name_of
from acn_eval.study.record import Subject, record
from acn_eval.study.request import Request, choose
from acn_eval.study.run import Described, Study, Unit, measured_within
from acn_eval.study.spread import as_initialized
from acn_eval.study.trainings import TrainingCost, TrainingStudy
from acn_eval.training.fit import Fit, loop, start
from acn_eval.training.packed import pack, unpack
from acn_eval.training.resume import Resume
from acn_eval.training.sources import unlabeled
from acn_eval.training.threads import fitting_threads
from acn_eval.training.together import seconds_per_step

__all__ = ["STUDY", "CheckpointDynamics", "NetworkUnit", "TrainedDynamics", "TrainingUnit"]

_ONE_TRAINING = "one training per network: this is about these trainings, not their architectures"


@dataclass(frozen=True)
class TrainingUnit(Described, Unit):
    """The training of one network: its snapshots and its last weights.

    Attributes:
        profile: of the process; batch and precision of the training are in its recipe.
    """

    plan: DynamicsPlan
    arm: Arm
    profile: NumericProfile
    resumes = True

    @cached_property
    def address(self) -> str:
        """Content address of recipe, data and snapshots."""
        recipe = self.plan.suite.recipe_of(self.arm)
        facts = self.plan.facts(recipe, self.profile.device), self.profile.facts()
        return OutcomeCache.key(["watched v4", *facts])

    @property
    def title(self) -> str:
        """Name of the network."""
        return f"training of {name_of(self.arm)}"

    @property
    def cost(self) -> int:
        """Training steps."""
        return self.plan.suite.recipe.steps

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield snapshots and weights; see `acn_eval.study.run.Unit`.

        Raises:
            MeasureError: a loss is no longer finite.
        """
        for unit in units:
            watched = _train(unit, runtime, show)
            weights = {k: v.cpu() for k, v in watched.fit.network.state_dict().items()}
            yield pack({"looks": watched.looks, "weights": weights})

    def restored(
        self, content: bytes, device: torch.device
    ) -> tuple[EvaluatedModel, list[Snapshot]]:
        """Return the trained network and its snapshots from what `measure` yields."""
        kept = unpack(content)
        job = self.plan.job(self.arm)
        network = start(job.recipe, device).network.eval()
        network.load_state_dict(kept["weights"])
        looks = _snapshots(kept["looks"])
        return self.plan.subject(self.arm, job, network, self.profile.device), looks


@dataclass(frozen=True)
class NetworkUnit(Described, Unit):
    """The training of one network, and the observation of its network on the test images."""

    training: TrainingUnit

    @cached_property
    def address(self) -> str:
        """Content address of the training and the test images."""
        test = self.training.plan.test
        return OutcomeCache.key(["observed v3", self.training.address, test.digest])

    @property
    def title(self) -> str:
        """Name of the network."""
        return self.training.title

    @property
    def cost(self) -> int:
        """Training steps."""
        return self.training.cost

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield observations; see `acn_eval.study.run.Unit`."""
        for unit in units:
            own, plan = unit.training, unit.training.plan
            content = measured_within(own, runtime, show)
            show(own.cost, own.cost * runtime.store.writable)
            subject, snapshots = own.restored(content, runtime.device)
            test = plan.test
            observer, initial = plan.observer(runtime), snapshots[0].spread
            yield observe(subject, observer, snapshots, test, initial).pack()


class TrainedDynamics(TrainingStudy[Dynamics]):
    """One network per arm, observed while it is trained."""

    @cached_property
    def plan(self) -> DynamicsPlan:
        """The suite with its data.

        Raises:
            ConfigError: other data is asked for.
        """
        selection = self.request.selection
        if selection.data:
            msg = "`data`: needs `candidates`; the recipe of the suite names its data"
            raise ConfigError(msg, "data", "candidates")
        return DynamicsPlan(self.request.suite, selection.root, selection.limit)

    def groups(self, candidates: int = 0) -> list[tuple[slice, slice]]:
        """Return one group: the networks are not compared with each other."""
        return [(slice(None), slice(0))]

    def units(self) -> list[NetworkUnit]:
        """Return every network.

        Raises:
            ConfigError: the network has another number of classes than the data.
            DataError: the data is not there.
        """
        profile = self.request.runtime.profile()
        return [
            NetworkUnit(TrainingUnit(self.plan, arm, profile))
            for arm in self.plan.suite.connectivities
        ]

    @property
    def scale(self) -> str:
        """Data, sizes and repetitions in one line."""
        suite, sizes = self.plan.suite, {k: len(v) for k, v in self.plan.splits.items()}
        train = self.plan.splits["train"]
        what = train.inputs.modality
        return (
            f"{train.name}: {suite.recipe.steps:,} steps, "
            f"{len(suite.looked_at())} looks at {sizes['validation']:,} validation {what} and the "
            f"gradients of {suite.probed:,}; evaluated on {sizes['test']:,} test {what}"
        )

    def costs(self) -> list[TrainingCost]:
        """Return the cost of every network."""
        return [self._cost(unit.training) for unit in self.units()]

    def _cost(self, unit: TrainingUnit) -> TrainingCost:
        """Gradients, which are taken twice in a look, count as 3 forward passes each."""
        job, runtime = self.plan.job(unit.arm), self.request.runtime
        recipe, sizes = job.recipe, {k: len(v) for k, v in self.plan.splits.items()}
        arch, looks = recipe.arch, len(self.plan.suite.looked_at())
        forward = cost(build(arch), arch.blank(1)).flops
        learned = 3 * recipe.steps * recipe.batch
        looked = looks * (2 * sizes["validation"] + 6 * len(self.plan.probe))
        shown = learned + looked + sizes["validation"] + (1 + arch.depth) * sizes["test"]
        done = runtime.store.read(unit.address) is not None
        pace = 0.0 if done else seconds_per_step([job], runtime.device)
        return TrainingCost(
            name=name_of(unit.arm),
            trainings=1,
            done=int(done),
            steps=unit.cost,
            flops=forward * shown,
            seconds=pace * recipe.steps * shown / learned,
        )

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per network."""
        plan, device = self.plan, self.request.runtime.device.type
        suite, test = plan.suite.model_dump(mode="json"), plan.test
        arms = plan.suite.connectivities
        identities = (plan.identity(arm, plan.job(arm), device) for arm in arms)
        subjects = (Subject(own, test, suite, device) for own in identities)
        hashes = plan.splits["train"].hashes
        return [_result(*pair, hashes) for pair in zip(subjects, outcomes, strict=True)]


@dataclass(frozen=True)
class CheckpointUnit(Unit):
    """A finished checkpoint, which is observed at its last step alone.

    Attributes:
        probe: training images on which gradients are measured.
        validation, test: images that are shown to every exit.
        profile: of the forward passes.
    """

    subject: EvaluatedModel
    probe: Examples
    validation: Examples
    test: Examples
    profile: NumericProfile

    @cached_property
    def address(self) -> str:
        """Content address of the network and of all images."""
        own, columns = self.subject.checkpoint.id, self.subject.classes.columns
        images = [part.digest for part in (self.probe, self.validation, self.test)]
        facts = [own.sha256, own.arch, own.preprocessing, dict(own.training), columns]
        return OutcomeCache.key(["finished v4", *facts, images, self.profile.facts()])

    @property
    def title(self) -> str:
        """The network."""
        return f"dynamics of {self.subject.checkpoint.id.name}"

    @property
    def cost(self) -> int:
        """Images that are shown, with the test images once for each deleted block."""
        blocks = encoder_of(self.subject).config.depth
        return (1 + blocks) * len(self.test) + 2 * len(self.validation) + len(self.probe)

    @property
    def cacheable(self) -> bool:
        """Whether the network has a file."""
        return self.subject.checkpoint.id.cacheable

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield observations; see `acn_eval.study.run.Unit`."""
        for unit in units:
            trained = unit.subject.checkpoint.id.training
            smoothing = float(trained.get("label_smoothing", 0.0))
            observer = Observer(unit.probe, unit.validation, runtime, smoothing)
            with fitting_threads(encoder_of(unit.subject), unit.profile.batch_size):
                snapshot = observer.snapshot(unit.subject, int(trained.get("steps", 0)))
                initial = _initial(unit.subject, observer)
            yield observe(unit.subject, observer, [snapshot], unit.test, initial).pack()


class CheckpointDynamics(Study[Dynamics]):
    """Finished checkpoints, each with the data that its card names, or that was chosen."""

    def units(self) -> list[CheckpointUnit]:
        """Return every checkpoint; they are opened once."""
        return self._units

    @cached_property
    def _units(self) -> list[CheckpointUnit]:
        return [self._unit(number) for number in range(len(self.request.checkpoints))]

    def _unit(self, number: int) -> CheckpointUnit:
        checkpoint, selection = self.request.checkpoints[number], self.request.selection
        if not isinstance(checkpoint.model, Encoder):
            what = "must be a network of ours, with known blocks"
            raise Unsupported(f"{checkpoint.id.name}: {what}")
        masked, prepare = checkpoint.model.config.masked, checkpoint.prepare
        train, validation, test = (
            self._opened(checkpoint, split, masked=masked)
            for split in ("train", "validation", "test")
        )
        for own in (train, validation):
            own.labeled_as(test)
        probe, test = train.keyed(self.request.suite.probed), test.keyed(selection.limit)
        if masked and isinstance(prepare, PrepareTokens):
            checkpoint = replace(checkpoint, prepare=(cloze := Cloze(prepare)), named=True)
            probe, validation, test = map(cloze.questions, (probe, validation, test))
        subject = EvaluatedModel(checkpoint, class_map(checkpoint, test))
        profile = self.request.runtime.profile("fp32", checkpoint.id.flops)
        return CheckpointUnit(subject, probe, validation, test, profile)

    def _opened(self, checkpoint: Checkpoint, split: Split, *, masked: bool) -> Examples:
        """Open a split; a masked language model needs no classes."""
        selection = self.request.selection
        if masked:
            return unlabeled(selection.data or checkpoint.data, split, selection.root)
        return choose([checkpoint], replace(selection, limit=None), split).classified()

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per checkpoint."""
        shown = {"kind", "name", "description", "probed"}  # the recipe is another network's
        suite = self.request.suite.model_dump(mode="json", include=shown)
        results = []
        for unit, content in zip(self.units(), outcomes, strict=True):
            checkpoint = unit.subject.checkpoint
            subject = Subject(checkpoint.id, unit.test, suite, unit.profile.device)
            results.append(_result(subject, content, checkpoint.training_hashes))
        return results


@dataclass
class _Watched:
    """A training, and what was seen of it so far."""

    fit: Fit
    snapshots: list[Snapshot] = field(default_factory=list)

    @property
    def done(self) -> int:
        return self.fit.done

    @property
    def looks(self) -> str:
        return json.dumps([asdict(snapshot) for snapshot in self.snapshots])

    def state(self) -> dict[str, Any]:
        return {"fit": self.fit.state(), "looks": self.looks}

    def restore(self, state: dict[str, Any]) -> None:
        self.snapshots = _snapshots(state["looks"])
        self.fit.restore(state["fit"])


def _train(unit: TrainingUnit, runtime: Runtime, show: Show) -> _Watched:
    """Train to the last step; snapshots are taken at the steps that the suite states."""
    plan, job = unit.plan, unit.plan.job(unit.arm)
    resume = Resume(runtime, unit.address, show)
    own = resume.begin(lambda: _Watched(start(job.recipe, runtime.device)))
    subject = plan.subject(unit.arm, job, own.fit.network, unit.profile.device)
    observer, steps = plan.observer(runtime), plan.suite.looked_at()

    def look() -> None:
        if own.done in steps:
            own.snapshots.append(observer.snapshot(subject, own.done))

    if not own.done:
        with fitting_threads(own.fit.network, job.recipe.batch):
            look()
    with resume.following() as after:

        def follow(fit: Fit) -> None:
            look()
            after(own)

        splits = job.examples, job.held_out
        loop(own.fit, splits, job.prepare, follow, lambda done, loss: resume.tell(done))
    return own


def _snapshots(looks: str) -> list[Snapshot]:
    snapshots: list[Snapshot] = recorded(json.loads(looks), list[Snapshot])
    return snapshots


def _initial(subject: EvaluatedModel, observer: Observer) -> list[Spread]:
    """Return the spread at initialization, of a checkpoint whose card tells how it began."""
    network = as_initialized(subject.checkpoint)
    if network is None:
        return []
    return observer.spread(replace(subject, checkpoint=replace(subject.checkpoint, model=network)))


def _result(subject: Subject, content: bytes, hashes: NDArray[np.int64]) -> EvalResult:
    """Return the result of an observation; `hashes` are of the images that were learned from."""
    test, warnings = subject.examples, [_ONE_TRAINING, *subject.examples.notes]
    seen = int(np.isin(test.hashes, hashes).sum())
    if seen:
        name = subject.checkpoint.name
        warnings.append(
            f"{name} was trained on {seen} of these {len(test)} {test.inputs.modality}"
        )
    return record(subject, Observation.unpack(content).answer(test, warnings))


def _of_request(request: Request[Dynamics]) -> TrainedDynamics | CheckpointDynamics:
    """Return the study of the given checkpoints or, without any, of the suite's trainings."""
    return CheckpointDynamics(request) if request.checkpoints else TrainedDynamics(request)


STUDY = _of_request
