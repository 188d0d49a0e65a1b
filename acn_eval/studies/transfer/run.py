"""Transfer: features of all networks, then the probes of each, and whole networks fine-tuned."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from acn_eval.data import Split
from acn_eval.errors import Unsupported
from acn_eval.inference import (
    CLEAN,
    EvaluatedModel,
    FeatureUnit,
    Numeric,
    NumericProfile,
    Runtime,
    certificate,
    feature_widths,
    read_features,
)
from acn_eval.inputs import ShownBatch
from acn_eval.models import Encoder
from acn_eval.probes import PROTOCOLS, FineTune, Protocol
from acn_eval.results import Cell, EvalResult, Scalar, Skip
from acn_eval.studies.robustness.measure import Showing, digest_of, first_shown
from acn_eval.studies.transfer.features import SplitFeatures, features_of, names_of
from acn_eval.studies.transfer.probing import Probing, probing
from acn_eval.studies.transfer.suite import Transfer
from acn_eval.study.fine_tuning import FineTunedUnit
from acn_eval.study.record import Answer, answered, cell_of
from acn_eval.study.run import Study, Unit

__all__ = ["STUDY", "TransferStudy"]


class TransferStudy(Study[Transfer]):
    """Features of three splits, fine-tunings, and a result per checkpoint."""

    @cached_property
    def depths(self) -> list[tuple[int | str, ...] | str]:
        """What the depths of each checkpoint that have features are called, or why none has."""
        return [_depths(subject, self.request.runtime) for subject in self.request.subjects]

    @property
    def numeric(self) -> Numeric:
        """Precision of the features."""
        return "bf16" if self.request.runtime.precision == "bf16" else "fp32"

    @cached_property
    def showings(self) -> dict[Split, Showing]:
        """The three splits, shown to those networks that have features."""
        own, pairs = self.request, zip(self.request.subjects, self.depths, strict=True)
        able = [subject for subject, found in pairs if not isinstance(found, str)]
        exact = replace(own, runtime=replace(own.runtime, precision=self.numeric))
        noise, unit = own.suite.noise, FeatureUnit
        learned: tuple[Split, Split] = ("train", "validation")
        return {
            **{
                name: Showing(noise, able, exact, own.split(name), corrupted=False, unit=unit)
                for name in learned
            },
            "test": Showing(noise, able, exact, own.examples, unit=unit),
        }

    @cached_property
    def fine_tunings(self) -> list[FineTunedUnit]:
        """One per network and protocol that fine-tunes."""
        own, profile = self.request, self.request.runtime.profile()
        splits = own.split("train"), own.split("validation")
        return [
            FineTunedUnit(subject.checkpoint, plan, splits, own.examples, own.seed, profile)
            for subject in self.showings["test"].subjects
            for plan in (protocol.fine_tune for protocol in self._protocols)
            if plan and isinstance(subject.checkpoint.model, Encoder)
        ]

    def units(self) -> list[Unit]:
        """Return the units of all splits, and the fine-tunings."""
        shown = [unit for showing in self.showings.values() for unit in showing.units]
        return [*shown, *self.fine_tunings]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per checkpoint; probes are fitted and chosen now."""
        first = len(outcomes) - len(self.fine_tunings)
        targets = iter(features_of(self.showings, outcomes[:first]))
        trained = {
            (id(unit.checkpoint), unit.plan): (unit, content)
            for unit, content in zip(self.fine_tunings, outcomes[first:], strict=True)
        }
        answers = [
            self._nothing(found)
            if isinstance(found, str)
            else self._answer(next(targets), trained)
            for found in self.depths
        ]
        pairs = zip(self.request.subjects, answers, strict=True)
        return [answered(self.request, subject, answer) for subject, answer in pairs]

    @property
    def _protocols(self) -> list[Protocol]:
        return [PROTOCOLS[name] for name in dict.fromkeys(self.request.suite.protocols)]

    def _answer(self, target: SplitFeatures, trained: "_Trained") -> Answer:
        request, block = self.request, self.request.suite.block
        device, test = request.runtime.device, target.test
        every = dict.fromkeys(chain(*(own for own in self.depths if not isinstance(own, str))))
        probings: list[Probing] = []
        parts: list[_Part] = []
        for protocol in self._protocols:
            try:
                own = probing(target, protocol, block=block, device=device)
            except Unsupported as reason:
                parts.append(_Part(skipped=(_skip(protocol.label, str(reason)),)))
                continue
            parts.append(_probed(own, primary=not parts, every=[*every], block=block))
            parts.append(_tuned(target, protocol, trained))
            probings.append(own)
        first, noise = first_shown(request.whole, test.spec, device), request.suite.noise
        return Answer(
            cells=tuple(cell for part in parts for cell in part.cells),
            skipped=(*target.skipped, *(skip for part in parts for skip in part.skipped)),
            numeric=test.profile.precision,
            certificate=_certificate(probings, first, test.profile),
            noise_digest=digest_of(noise, first, test.context, request.whole, request.seed),
            details={
                "features": target.facts(),
                "protocols": {k: v for part in parts for k, v in part.details.items()},
            },
            warnings=tuple(line for own in probings for line in own.warnings()),
        )

    def _nothing(self, reason: str) -> Answer:
        """Return the answer of a network that has no features."""
        labels = [protocol.label for protocol in self._protocols]
        skipped = (_skip(label, reason, reading="stream", exit="last") for label in labels)
        return Answer((), tuple(skipped), self.numeric)


@dataclass(frozen=True)
class _Part:
    """What the probes or the fine-tuning of one protocol give."""

    cells: tuple[Cell, ...] = ()
    skipped: tuple[Skip, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def _depths(subject: EvaluatedModel, runtime: Runtime) -> tuple[int | str, ...] | str:
    try:
        return names_of(subject, len(feature_widths(subject.checkpoint, runtime)))
    except Unsupported as reason:
        return str(reason)


def _probed(own: Probing, *, primary: bool, every: Sequence[int | str], block: bool) -> _Part:
    exits = own.last > 0 and own.target.names[0] == 0
    missing = () if exits else tuple(_no_exits(own, every, block=block))
    return _Part(
        cells=tuple(own.cells(primary=primary)),
        skipped=(*own.skipped, *missing),
        details={own.label: own.details()},
    )


def _no_exits(own: Probing, every: Sequence[int | str], *, block: bool) -> Iterator[Skip]:
    """Yield every depth that only other networks of this evaluation have."""
    name, have = own.target.subject.checkpoint.id.name, own.target.names
    has = (
        f"its depths are {', '.join(map(str, have))}" if own.last else "one depth, before its head"
    )
    for reading in ("stream", "block") if block else ("stream",):
        for depth in every:
            if own.last == 0 or depth not in have:
                reason = f"{name} has no exits: {has}"
                yield _skip(own.label, reason, reading=reading, exit=depth)


def _tuned(target: SplitFeatures, protocol: Protocol, trained: "_Trained") -> _Part:
    if protocol.fine_tune is None:
        return _Part()
    checkpoint, test = target.subject.checkpoint, target.examples["test"]
    named = {"protocol": f"{protocol.label}-fine-tune", "reading": "stream", "exit": "last"}
    found = trained.get((id(checkpoint), protocol.fine_tune))
    if found is None:
        reason = f"{checkpoint.id.name}: fine-tuning needs our own networks"
        return _Part(skipped=(Skip({**CLEAN, **named}, reason),))
    unit, content = found
    own = unit.unpacked(content)
    cell = cell_of({**CLEAN, **named}, own.outcomes, test.labels, primary=False)
    facts = {"validation": own.accuracy, "accuracy": float(np.mean(cell.values))}
    recipe = unit.recipe.model_dump(mode="json", exclude={"arch"})
    return _Part(cells=(cell,), details={named["protocol"]: {**facts, "recipe": recipe}})


_Trained = Mapping[tuple[int, FineTune], tuple[FineTunedUnit, bytes]]
"""Fine-tunings and their outcomes, by the identity of the checkpoint and the plan."""


def _skip(label: str, reason: str, **more: Scalar) -> Skip:
    return Skip({**CLEAN, "protocol": label, **more}, reason)


def _certificate(
    probings: Sequence[Probing], first: ShownBatch, profile: NumericProfile
) -> dict[str, Any]:
    """Certify the answers of a probe of the last exit, from examples to classes."""
    if not probings:
        return {}
    own = probings[0]
    checkpoint = own.target.subject.checkpoint

    def answers(shown: Any) -> Tensor:
        batch = checkpoint.prepare(shown).to(first.device)
        features = read_features(checkpoint, batch, "fp32")[-1][0]  # the precision is around it
        return torch.from_numpy(own.deepest_probe.answer(features.cpu().numpy()).predicted)

    return certificate(answers, first, profile.precision, profile.batch_size)


STUDY = TransferStudy
