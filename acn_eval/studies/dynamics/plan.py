"""The plan of a dynamics suite: its data, and the network of every arm."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples, PrepareImages, Split, decoded
from acn_eval.data.cloze import Cloze
from acn_eval.data.tokens import PrepareTokens
from acn_eval.inference import ClassMap, EvaluatedModel, Runtime
from acn_eval.models import Encoder
from acn_eval.results import CheckpointId
from acn_eval.studies.dynamics.snapshots import Observer
from acn_eval.studies.dynamics.suite import Arm, Dynamics, name_of
from acn_eval.study.record import in_words, training_id
from acn_eval.study.trainings import TrainingPlan
from acn_eval.training import Recipe, TrainingJob
from acn_eval.training.sources import open_split, prepare_for

__all__ = ["DynamicsPlan"]

_APART = {"arch", "pair", "classes", "augment", "certificate"}


@dataclass(frozen=True)
class DynamicsPlan(TrainingPlan[Dynamics]):
    """A suite with its data."""

    @cached_property
    def splits(self) -> Mapping[Split, Examples]:
        """Train (also for gradients), validation (for accuracy over steps) and test.

        Raises:
            ConfigError: the network has another number of classes than the data.
            DataError: the data is not there, or has numbers in place of classes.
        """
        train, validation, test = (
            open_split(self.suite.recipe, split, self.root).classified()
            for split in ("train", "validation", "test")
        )
        return {
            "train": train,
            "validation": validation.labeled_as(train),
            "test": test.labeled_as(train).keyed(self.limit),
        }

    @property
    def probe(self) -> Examples:
        """The training examples on which gradients are measured: the first in a keyed order."""
        return self._asked(self.splits["train"].keyed(self.suite.probed))

    @cached_property
    def validation(self) -> Examples:
        """The held-out examples as exits are asked about them."""
        return self._asked(self.splits["validation"])

    @cached_property
    def test(self) -> Examples:
        """The test examples as exits are asked about them."""
        return self._asked(self.splits["test"])

    def _asked(self, examples: Examples) -> Examples:
        prepare = self._observed
        return prepare.questions(examples) if isinstance(prepare, Cloze) else examples

    @cached_property
    def _observed(self) -> PrepareImages | PrepareTokens | Cloze:
        """The preparation with which exits are asked: that of the training, or a cloze."""
        prepare = prepare_for(self.suite.recipe, self.splits["train"], self.root)
        if self.suite.recipe.masked and isinstance(prepare, PrepareTokens):
            return Cloze(prepare)
        return prepare

    @cached_property
    def _decoded(self) -> tuple[Examples, Examples]:
        spec = self._observed.spec
        return decoded(self.splits["train"], spec), decoded(self.splits["validation"], spec)

    def job(self, arm: Arm) -> TrainingJob:
        """Return the training of one network."""
        return TrainingJob(self.suite.recipe_of(arm), *self._decoded, self.root)

    def observer(self, runtime: Runtime) -> Observer:
        """Return the observer that takes every snapshot."""
        smoothing = self.suite.recipe.label_smoothing
        return Observer(self.probe, self.validation, runtime, smoothing)

    def subject(self, arm: Arm, job: TrainingJob, network: Encoder, device: str) -> EvaluatedModel:
        """Return a network with its record, whatever its weights are now."""
        train, classes = self.splits["train"], self.test.classes
        checkpoint = Checkpoint(
            id=self.identity(arm, job, device),
            model=network,
            prepare=self._observed,
            classes=classes,
            data=train.name,
            training_hashes=train.hashes,
        )
        columns = ClassMap(tuple(range(len(classes))), restricted=False)
        return EvaluatedModel(checkpoint, columns)

    def facts(self, recipe: Recipe, device: str) -> list[Any]:
        """Return everything that decides the weights and the snapshots, as plain JSON."""
        return [
            recipe.model_dump(mode="json", exclude={"paired_seeds", "weights", "certificate"}),
            self.suite.looks,
            self.suite.probed,
            [self.splits[name].fingerprint for name in ("train", "validation")],
            device,
        ]

    def identity(self, arm: Arm, job: TrainingJob, device: str) -> CheckpointId:
        """Return the record of the network that a training ends with."""
        recipe, arch = job.recipe, job.recipe.arch
        schedule = recipe.model_dump(mode="json", exclude=_APART)
        schedule |= recipe.augment.model_dump(mode="json")
        return training_id(
            name_of(arm),
            f"recipe:{name_of(arm)}",
            self.facts(recipe, device),
            arch,
            preprocessing=job.prepare.facts(),
            training={
                **schedule,
                "recipe": in_words({**schedule, "seed": None}),
                "data_fingerprint": self.splits["train"].fingerprint,
                "examples": recipe.steps * recipe.batch,
            },
        )
