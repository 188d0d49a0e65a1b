"""Trains what a suite asks for and is not yet stored, and looks at finished checkpoints."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples, PrepareImages, Split, decoded
from acn_eval.errors import ConfigError, Unsupported
from acn_eval.inference import ClassMap, EvaluatedModel, OutcomeCache, Runtime, class_map
from acn_eval.models import Encoder, build, cost
from acn_eval.models.connectivity import ConnectivityName
from acn_eval.results import CheckpointId, EvalResult
from acn_eval.studies.dynamics.measure import Watched, result_of
from acn_eval.studies.dynamics.snapshots import Snapshot, Watch
from acn_eval.studies.dynamics.suite import Dynamics
from acn_eval.study.request import Request
from acn_eval.tally import Progress, Tally
from acn_eval.training import Recipe, TrainingJob
from acn_eval.training.fit import Fit, loop, open_split, start

__all__ = ["Study", "finished", "open_study", "trainings"]


@dataclass(frozen=True)
class Study:
    """A suite with its data.

    Attributes:
        splits: train (learned from, and differentiated on), validation (over steps), test.
    """

    suite: Dynamics
    splits: Mapping[Split, Examples]
    runtime: Runtime

    @property
    def probe(self) -> Examples:
        """The training images on which gradients are measured: the first in a keyed order."""
        return self.splits["train"].keyed(self.suite.probed)


@dataclass(frozen=True)
class _Grown:
    """What is kept of a training."""

    snapshots: Sequence[Snapshot]
    weights: Mapping[str, Tensor]

    def pack(self) -> bytes:
        """Return it as bytes, for the store."""
        file = io.BytesIO()
        looks = json.dumps([asdict(s) for s in self.snapshots])
        torch.save({"looks": looks, "weights": dict(self.weights)}, file)
        return file.getvalue()

    @staticmethod
    def unpack(content: bytes) -> "_Grown":
        """Read what `pack` returned."""
        kept = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        return _Grown([Snapshot(**look) for look in json.loads(kept["looks"])], kept["weights"])


def open_study(
    suite: Dynamics, runtime: Runtime, *, root: Path | None = None, limit: int | None = None
) -> Study:
    """Open the data of the suite's recipe; `limit` takes the first so many test images.

    Raises:
        ConfigError: the network has another number of classes than the data.
        DataError: the data is not there.
    """
    train, validation, test = (
        open_split(suite.recipe, split, root) for split in ("train", "validation", "test")
    )
    splits: dict[Split, Examples] = {
        "train": train,
        "validation": validation.labelled_as(train),
        "test": test.labelled_as(train).keyed(limit),
    }
    return Study(suite, splits, runtime)


def trainings(study: Study, progress: Progress = lambda done, total: None) -> list[EvalResult]:
    """Train one network per connectivity, look at it on the way, and return its result.

    A network that is stored is not trained again.

    Raises:
        MeasureError: a loss is no longer finite.
    """
    suite = study.suite
    total = suite.recipe.steps * len(suite.connectivities)
    with Tally(total, "training steps", progress) as counter:
        results = [_training(study, own, counter) for own in suite.connectivities]
    study.runtime.store.trim()
    return results


def finished(study: Study, checkpoint: Checkpoint) -> EvalResult:
    """Return what is known of a checkpoint: the same as of a training, at its last step alone.

    Raises:
        Unsupported: a network that is not built here has no known blocks.
        DataError: the data has classes that the network does not know.
    """
    if not isinstance(checkpoint.model, Encoder):
        raise Unsupported(f"{checkpoint.id.name}: must be a network of ours, with known blocks")
    checkpoint.model.to(study.runtime.device)
    test, trained = study.splits["test"], checkpoint.id.training
    subject = EvaluatedModel(checkpoint, class_map(checkpoint, test))
    watch = Watch(
        study.probe,
        study.splits["validation"],
        study.runtime,
        smoothing=float(trained.get("label_smoothing", 0.0)),
    )
    snapshot = watch.look(subject, int(trained.get("steps", 0)))
    shown = {"kind", "name", "description", "probed"}  # the recipe is another network's
    record = study.suite.model_dump(mode="json", include=shown)
    return result_of(Watched(subject, record, watch, [snapshot], test))


def _training(study: Study, connectivity: ConnectivityName, counter: Tally) -> EvalResult:
    recipe, store = study.suite.recipe_of(connectivity), study.runtime.store
    lesson = _lesson(study, recipe)
    fit = start(recipe, study.runtime.device)
    subject = _subject(study, lesson, fit.network)
    smoothing = recipe.label_smoothing
    watch = Watch(study.probe, study.splits["validation"], study.runtime, smoothing)
    key = OutcomeCache.key(["watched v1", _facts(study, recipe)])
    content = store.read(key)
    if content is None:
        grown = _grow(fit, lesson, study.suite.looked_at(), (subject, watch), counter.show)
        store.write(key, grown.pack())
    else:
        grown = _Grown.unpack(content)
        fit.network.load_state_dict(grown.weights)
    fit.network.eval()
    counter.add(recipe.steps)
    record = study.suite.model_dump(mode="json")
    return result_of(Watched(subject, record, watch, grown.snapshots, study.splits["test"]))


def _grow(
    fit: Fit,
    lesson: TrainingJob,
    looks: Sequence[int],
    seen: tuple[EvaluatedModel, Watch],
    told: Callable[[int], None],
) -> _Grown:
    """Train to the last step, looking before the first and after those that are named."""
    subject, watch = seen
    snapshots: list[Snapshot] = []

    def look(fit: Fit) -> None:
        if fit.done in looks:
            snapshots.append(watch.look(subject, fit.done))

    look(fit)
    loop(
        fit,
        (lesson.examples, lesson.held_out),
        lesson.prepare,
        after=look,
        progress=lambda done, loss: told(done),
    )
    return _Grown(snapshots, {k: v.cpu() for k, v in fit.network.state_dict().items()})


def _lesson(study: Study, recipe: Recipe) -> TrainingJob:
    bare = TrainingJob(recipe, study.splits["train"], study.splits["validation"])
    parts = [decoded(part, bare.prepare.spec) for part in (bare.examples, bare.held_out)]
    return TrainingJob(recipe, *parts)


def _subject(study: Study, lesson: TrainingJob, network: Encoder) -> EvaluatedModel:
    prepare, train = lesson.prepare, study.splits["train"]
    checkpoint = Checkpoint(
        id=_identity(study, lesson.recipe, prepare),
        model=network,
        prepare=prepare,
        classes=train.classes,
        data=train.name,
        training_hashes=train.hashes,
    )
    return EvaluatedModel(checkpoint, ClassMap(tuple(range(len(train.classes))), restricted=False))


def _facts(study: Study, recipe: Recipe) -> list[Any]:
    """Everything that decides the weights and what is seen of them on the way."""
    return [
        recipe.model_dump(mode="json", exclude={"paired_seeds", "weights"}),
        study.suite.looks,
        study.suite.probed,
        [study.splits[name].fingerprint for name in ("train", "validation")],
        study.runtime.device.type,
    ]


def _identity(study: Study, recipe: Recipe, prepare: PrepareImages) -> CheckpointId:
    arch = recipe.arch
    plan = recipe.model_dump(mode="json", exclude={"arch", "pair", "classes", "augment"})
    plan |= recipe.augment.model_dump(mode="json")
    spent = cost(build(arch), (arch.channels, arch.image_size, arch.image_size))
    text = json.dumps(_facts(study, recipe), sort_keys=True)
    return CheckpointId(
        name=arch.connectivity,
        uri=f"recipe:{arch.connectivity}",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        arch=arch.model_dump(mode="json"),
        parameters=spent.parameters,
        flops=spent.flops,
        preprocessing=prepare.facts(),
        training={
            **plan,
            "recipe": _in_words({**plan, "seed": None}),
            "data_fingerprint": study.splits["train"].fingerprint,
            "examples": recipe.steps * recipe.batch,
        },
    )


def _in_words(facts: Mapping[str, Any]) -> str:
    """Return what is not zero, in one line; what differs between seeds is left out by None."""
    return ", ".join(f"{name} {value}" for name, value in sorted(facts.items()) if value)


def _refused(request: Request[Any]) -> NoReturn:
    """Refuse: it is not made of units yet."""
    raise ConfigError(
        f"{request.suite.name}: watches trainings of its own. Run it with `acn-eval dynamics`."
    )


STUDY = _refused
