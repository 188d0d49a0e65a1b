"""Fine-tuning of the whole network, with which probes of frozen features are compared."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray

from acn_eval.cache import OUTCOME, OutcomeCache
from acn_eval.checkpoints.checkpoint import Checkpoint, training_preparation
from acn_eval.data import Examples, PrepareImages
from acn_eval.data.tokens import PrepareTokens
from acn_eval.engine.protocol import Show
from acn_eval.errors import Unsupported
from acn_eval.inference import ClassMap, EvaluatedModel, NumericProfile, Pass, Runtime
from acn_eval.models import Encoder, read_arch
from acn_eval.probes import FineTune
from acn_eval.study.run import Unit, measured
from acn_eval.training.fit import Fit, loop, start
from acn_eval.training.recipe import Recipe
from acn_eval.training.resume import Resume

__all__ = ["FineTuned", "FineTunedUnit", "fine_tune"]


class FineTuned(NamedTuple):
    """Accuracy on the held-out images, and outcomes (n,) on the test images."""

    accuracy: float
    outcomes: NDArray[np.void]


@dataclass(frozen=True)
class FineTunedUnit(Unit):
    """A checkpoint that is fine-tuned, and then shown clean test images in fp32.

    Attributes:
        checkpoint: gives the initial weights but for the head's, and is not changed.
        plan: steps, batch and learning rate.
        splits: train, and a held-out split that selects nothing.
        test: the images that are shown.
        seed: of the new head, the order and the batches.
        profile: of the process; the batch of the training is in its plan.
    """

    checkpoint: Checkpoint
    plan: FineTune
    splits: tuple[Examples, Examples]
    test: Examples
    seed: int
    profile: NumericProfile
    resumes = True

    @property
    def title(self) -> str:
        """The network that is the start."""
        return f"fine-tuning of {self.checkpoint.id.name}"

    @cached_property
    def address(self) -> str:
        """Content address of the start, the training and the images."""
        own, plan = self.checkpoint.id, asdict(self.plan)
        learned = [[part.fingerprint, part.digest] for part in self.splits]
        facts = [own.sha256, own.arch, own.preprocessing, plan, self.seed, learned]
        return OutcomeCache.key(["fine-tuned v3", *facts, self.test.digest, self.profile.facts()])

    @property
    def cost(self) -> int:
        """Number of images, those of the training included."""
        return self.plan.steps * self.plan.batch + len(self.test)

    @property
    def cacheable(self) -> bool:
        """Whether the checkpoint has a file."""
        return self.checkpoint.id.cacheable

    @property
    def recipe(self) -> Recipe:
        """The recipe of the fine-tuning.

        Raises:
            Unsupported: a network that is not built here.
        """
        network, plan, train = self.checkpoint.model, self.plan, self.splits[0]
        if not isinstance(network, Encoder):
            raise Unsupported(f"{self.checkpoint.id.name}: fine-tuning needs our own networks")
        classes = len(train.classes)
        arch = {**network.config.model_dump(), "classes": classes, "branches": ()}
        if network.config.masked:
            arch["head"] = "classifier"
        schedule = {**asdict(plan), "warmup": plan.steps // 10}
        named = read_arch(arch, self.checkpoint.id.name)
        return Recipe(arch=named, seed=self.seed, data=train.name, **schedule)

    @classmethod
    def measure(cls, units: Sequence[Self], runtime: Runtime, show: Show) -> Iterator[bytes]:
        """Yield accuracy and outcomes; see `acn_eval.study.run.Unit`.

        Raises:
            MeasureError: the loss is no longer finite.
        """
        for unit in units:
            own = unit.checkpoint
            assert isinstance(own.model, Encoder)
            prepare = training_preparation(own)
            address = unit.address if unit.cacheable else ""
            resume = Resume(runtime, address, show, unit.plan.batch)
            device = runtime.device
            fit = fine_tune(own.model, prepare, unit.recipe, unit.splits, device, resume)
            # "memory:" is never stored: the record does not say what the network has become.
            identity = replace(own.id, uri=f"memory:{own.id.name}")
            classes = ClassMap(tuple(range(len(unit.test.classes))), restricted=False)
            subject = EvaluatedModel(replace(own, id=identity, model=fit.network), classes)
            job = Pass.clean(subject, unit.test, runtime)
            ((outcomes,),) = job.joined(measured(job.units, runtime))
            yield np.float64(fit.best["accuracy"]).tobytes() + outcomes[-1].tobytes()

    @staticmethod
    def unpacked(content: bytes) -> FineTuned:
        """Read what `measure` yields."""
        (accuracy,) = np.frombuffer(content[:8])
        return FineTuned(float(accuracy), np.frombuffer(content[8:], OUTCOME))


def fine_tune(
    network: Encoder,
    prepare: PrepareImages | PrepareTokens,
    recipe: Recipe,
    splits: Sequence[Examples],
    device: torch.device,
    resume: Resume | None = None,
) -> Fit:
    """Return the finished training; the network that was given stays as it is.

    Args:
        network: whose weights are the start; all of them but those of its head.
        prepare: its geometry and moments, which stay too.
        recipe: its ``arch`` is the network's with the number of the new classes, and without
            the heads of branches; that of a masked language model becomes a classifier.
        splits: train, and validation, which is looked at and selects nothing.
        device: where to train.
        resume: keeps the state; None keeps none.

    Raises:
        MeasureError: the loss is no longer finite.
    """
    resume = resume or Resume()
    fit = resume.begin(partial(_begun, network, recipe, device))
    with resume.following() as after:
        loop(fit, splits, prepare, after, lambda done, loss: resume.tell(done))
    fit.network.eval()
    return fit


def _begun(network: Encoder, recipe: Recipe, device: torch.device) -> Fit:
    fit = start(recipe, device)
    fresh, old = fit.network.state_dict(), network.state_dict()
    kept = {name: old[name] for name in fresh if not name.startswith("head")}
    fit.network.load_state_dict({**fresh, **kept})
    return fit
