"""Transfer: what a simple probe can read from every depth of a frozen network on other data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import one_hot

from acn_eval.errors import Unsupported
from acn_eval.inference import (
    CLEAN,
    EvaluatedModel,
    Numeric,
    certificate,
    feature_shape,
    read_features,
)
from acn_eval.inputs import ShownBatch
from acn_eval.probes import PROTOCOLS, Protocol, ProtocolName
from acn_eval.results import Cell, Scalar, Skip
from acn_eval.studies.robustness.suite import NamedRobustness, first_shown
from acn_eval.studies.transfer.features import FeatureExtractor, SplitFeatures
from acn_eval.studies.transfer.fine_tuned import tuned
from acn_eval.studies.transfer.probing import Probing, probing
from acn_eval.study.suite import Answer, Setting, Suite

__all__ = ["SUITE", "Transfer"]


class Transfer(Suite, frozen=True):
    """Probes of every depth, in both readings; the primary end point is that of the last exit.

    Features are pooled and normed as the network's own head reads them. ``stream`` is the
    readout (in an ACN the sum of all outputs), ``block`` what the next block reads (in an ACN the
    last output alone); in a residual network the two are one.

    Attributes:
        protocols: how probes are fitted and chosen; the first is that of the end point.
        side_by_side: allows several protocols, whose numbers are not comparable.
        block: also probe what the next block reads.
        noise: a robustness suite whose conditions the test images are also shown under; the
            probes stay those of undisturbed images. None shows undisturbed images alone.
    """

    question: ClassVar[str] = "Is the representation worth more?"
    reads_head: ClassVar[bool] = False

    kind: Literal["transfer"] = "transfer"
    protocols: Annotated[tuple[ProtocolName, ...], Field(min_length=1, max_length=100)] = (
        "linear",
    )
    side_by_side: bool = False
    block: bool = True
    noise: NamedRobustness | None = None

    @model_validator(mode="after")
    def _one_protocol(self) -> "Transfer":
        if len(set(self.protocols)) > 1 and not self.side_by_side:
            msg = "protocols must be one, or side_by_side true: their numbers are not comparable"
            raise ValueError(msg)
        return self

    def ask(self, subjects: Sequence[EvaluatedModel], setting: Setting) -> list[Answer]:
        """Answer for all subjects: features of all first, then the probes of each."""
        numeric: Numeric = "bf16" if setting.runtime.precision == "bf16" else "fp32"
        exits = [_exits(subject, setting) for subject in subjects]
        able = [s for s, found in zip(subjects, exits, strict=True) if isinstance(found, int)]
        shown = iter(FeatureExtractor(setting, self.noise, numeric).targets(able))
        deepest = max((found for found in exits if isinstance(found, int)), default=1)
        return [
            self._answer(next(shown), deepest, numeric, setting)
            if isinstance(found, int)
            else self._nothing(found, numeric)
            for found in exits
        ]

    def _answer(
        self, target: SplitFeatures, deepest: int, numeric: Numeric, setting: Setting
    ) -> Answer:
        device = setting.runtime.device
        probings: list[Probing] = []
        parts: list[_Part] = []
        for protocol in (PROTOCOLS[name] for name in dict.fromkeys(self.protocols)):
            try:
                own = probing(target, protocol, block=self.block, device=device)
            except Unsupported as reason:
                parts.append(_Part(skipped=(_skip(protocol.label, str(reason)),)))
                continue
            parts.append(_probed(own, primary=not parts, deepest=deepest, block=self.block))
            parts.append(_tuned(target, protocol, setting))
            probings.append(own)
        first = first_shown(target.spec, setting)
        return Answer(
            cells=tuple(cell for part in parts for cell in part.cells),
            skipped=(*target.skipped, *(skip for part in parts for skip in part.skipped)),
            numeric=numeric,
            certificate=_certificate(probings, first, numeric, setting),
            noise_digest=self._digest(target, first, setting),
            details={
                "features": target.facts(),
                "protocols": {k: v for part in parts for k, v in part.details.items()},
            },
            warnings=tuple(line for own in probings for line in own.warnings()),
        )

    def _nothing(self, reason: str, numeric: Numeric) -> Answer:
        """Return the answer of a network that has no features to probe."""
        labels = [PROTOCOLS[name].label for name in dict.fromkeys(self.protocols)]
        skipped = tuple(_skip(label, reason, reading="stream", exit="last") for label in labels)
        return Answer((), skipped, numeric, {}, noise_digest="")

    def _digest(self, target: SplitFeatures, first: ShownBatch, setting: Setting) -> str:
        return "" if self.noise is None else self.noise.digest(first, target.context, setting)


SUITE = Transfer


@dataclass(frozen=True)
class _Part:
    """What one way of transferring found out."""

    cells: tuple[Cell, ...] = ()
    skipped: tuple[Skip, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def _exits(subject: EvaluatedModel, setting: Setting) -> int | str:
    """Return the number of depths that a subject has features of, or why it has none."""
    try:
        return feature_shape(subject.checkpoint, setting.runtime)[0]
    except Unsupported as reason:
        return str(reason)


def _probed(own: Probing, *, primary: bool, deepest: int, block: bool) -> _Part:
    missing = tuple(_no_exits(own, deepest, block=block)) if own.target.exits == 1 else ()
    return _Part(
        cells=tuple(own.cells(primary=primary)),
        skipped=(*own.skipped, *missing),
        details={own.label: own.details()},
    )


def _no_exits(own: Probing, deepest: int, *, block: bool) -> Iterator[Skip]:
    """Yield every depth that other networks of this evaluation have and this one has not."""
    name = own.target.subject.checkpoint.id.name
    for reading in ("stream", "block") if block else ("stream",):
        for depth in range(deepest):
            reason = f"{name} has no exits: one depth, before its head"
            yield _skip(own.label, reason, reading=reading, exit=depth)


def _tuned(target: SplitFeatures, protocol: Protocol, setting: Setting) -> _Part:
    if protocol.fine_tune is None:
        return _Part()
    label = f"{protocol.label}-fine-tune"
    try:
        found = tuned(target, protocol.fine_tune, label, setting)
    except Unsupported as reason:
        return _Part(skipped=(_skip(label, str(reason), reading="stream", exit="last"),))
    return _Part(cells=(found.cell,), details={label: found.details})


def _skip(label: str, reason: str, **more: Scalar) -> Skip:
    return Skip({**CLEAN, "protocol": label, **more}, reason)


def _certificate(
    probings: Sequence[Probing], first: ShownBatch, numeric: Numeric, setting: Setting
) -> dict[str, Any]:
    """Certify what is measured: the answers of a probe on the features of the last exit."""
    if not probings:
        return {}
    own = probings[0]
    checkpoint = own.target.subject.checkpoint
    classes = len(own.target.examples["test"].classes)

    def answers(batch: Any) -> Tensor:
        features = read_features(checkpoint, batch, "fp32")[0, -1]  # the precision is around it
        predicted = own.deepest_probe.answer(features.cpu().numpy()).predicted
        return one_hot(torch.from_numpy(predicted).long(), classes)

    size = min(setting.runtime.batch_size, len(first))
    inputs = checkpoint.prepare(first).to(setting.runtime.device)
    return certificate(answers, inputs, numeric, size)
