"""The probes of one network under one protocol: fitted, chosen, and asked about test images."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from acn_eval.errors import Unsupported
from acn_eval.inference import CLEAN
from acn_eval.probes import (
    Answered,
    Features,
    Probe,
    Protocol,
    Selected,
    Test,
    Train,
    Validation,
    score,
    select,
    shots,
)
from acn_eval.results import Cell, Scalar, Skip
from acn_eval.statistics.score import ACCURACY, BoundedSample
from acn_eval.studies.transfer.features import SplitFeatures
from acn_eval.studies.transfer.per_class import mean_per_class

__all__ = ["Fitted", "Probing", "probing"]

STREAM, BLOCK = "stream", "block"


@dataclass(frozen=True)
class Fitted:
    """One probe.

    Attributes:
        source: the reading whose features it was fitted on.
        exit: its depth.
        draw: ``per_class`` and ``repeat`` where it saw few images, else empty.
    """

    source: str
    exit: int
    draw: Mapping[str, Scalar]
    selected: Selected


@dataclass(frozen=True)
class Probing:
    """All probes of one network under one protocol.

    Attributes:
        label: of the protocol, as it stands in every cell.
        readings: under which its cells are reported; a network that does not tell them apart
            has one set of probes for both.
        seconds: wall time of fitting and choosing.
    """

    target: SplitFeatures
    protocol: Protocol
    label: str
    readings: tuple[str, ...]
    fitted: tuple[Fitted, ...]
    skipped: tuple[Skip, ...]
    seconds: float

    @property
    def chosen(self) -> int:
        """The depth of the stream that is best on validation; of equals the shallowest."""
        by_depth: dict[int, list[float]] = {}
        for f in self.fitted:
            if f.source == STREAM:
                by_depth.setdefault(f.exit, []).append(f.selected.validation)
        means = {depth: float(np.mean(found)) for depth, found in by_depth.items()}
        return max(sorted(means), key=means.__getitem__)

    @property
    def deepest_probe(self) -> Probe:
        """The probe of the last exit, of the largest draw where there are several."""
        own = [f for f in self.fitted if (f.source, f.exit) == (STREAM, self.target.last)]
        return own[-1].selected.probe

    def cells(self, *, primary: bool) -> Iterator[Cell]:
        """Yield a cell per test condition and probe, and for the named depths once more."""
        chosen = self.chosen
        for q, question in enumerate(self.target.questions):
            shown = {k: v for k, v in question.condition.items() if k != "repeat"}
            answers = self._answers[q]
            for reading in self.readings:
                source = self._source(reading)
                for f, answered in zip(self.fitted, answers, strict=True):
                    if f.source == source and self.target.exits > 1:
                        yield self._cell(shown, f, answered, reading, f.exit)
            for name, depth in (("last", self.target.last), ("chosen", chosen)):
                counts = primary and q == 0 and name == "last"
                for f, answered in zip(self.fitted, answers, strict=True):
                    if f.source == STREAM and f.exit == depth:
                        yield self._cell(shown, f, answered, STREAM, name, primary=counts)

    def details(self) -> dict[str, Any]:
        """What was chosen, and accuracies on the clean test images, as plain types."""
        return {
            "protocol": self.protocol.facts(),
            "chosen": self.chosen,
            "seconds": round(self.seconds, 3),
            "probes": [
                self._row(f, answered)
                for f, answered in zip(self.fitted, self._answers[0], strict=True)
            ],
        }

    def warnings(self) -> Iterator[str]:
        """Yield one sentence where a solver did not get there, or a grid was too short."""
        many = len(self.fitted)
        late = [f for f in self.fitted if not f.selected.converged]
        edge = [f for f in self.fitted if f.selected.edge]
        name = f"{self.target.subject.checkpoint.id.name}, {self.label}"
        if late:
            yield f"{name}: {len(late)} of {many} probes did not converge ({_named(late)})"
        if edge:
            yield (
                f"{name}: {len(edge)} of {many} probes chose a penalty at an end of the grid"
                f" ({_named(edge)})"
            )

    def _source(self, reading: str) -> str:
        return reading if self.target.tells_apart else STREAM

    @cached_property
    def _answers(self) -> list[list[Answered]]:
        """What every probe answers to every question, on test images."""
        return [
            [
                score(f.selected.probe, self.target.features(Test, f.source, f.exit, q))
                for f in self.fitted
            ]
            for q in range(len(self.target.questions))
        ]

    def _cell(
        self,
        shown: Mapping[str, Scalar],
        f: Fitted,
        answered: Answered,
        reading: str,
        exit_: int | str,
        *,
        primary: bool = False,
    ) -> Cell:
        test = self.target.examples["test"]
        named: dict[str, Scalar] = {"protocol": self.label, "reading": reading, "exit": exit_}
        return Cell.answered(
            {**shown, **named, **f.draw},
            test.ids,
            test.labels,
            answered.predicted,
            primary=primary,
            confidence=answered.confidence,
        )

    def _row(self, f: Fitted, answered: Answered) -> dict[str, Any]:
        test = self.target.examples["test"]
        correct = (answered.predicted == test.labels).astype(np.float32)
        chosen = {k: v for k, v in vars(f.selected).items() if k != "probe"}
        return {
            "reading": f.source,
            "exit": f.exit,
            **f.draw,
            **chosen,
            "accuracy": _estimate(BoundedSample.of(correct, ACCURACY)),
            "mean_per_class": _estimate(mean_per_class(correct, test.labels, len(test.classes))),
        }


def probing(
    target: SplitFeatures, protocol: Protocol, *, block: bool, device: torch.device
) -> Probing:
    """Fit and choose all probes of a network; `block` also probes what the next block reads."""
    begin = time.perf_counter()
    label = f"{protocol.label}-probe" if protocol.fine_tune else protocol.label
    readings = (STREAM, BLOCK) if block and target.exits > 1 else (STREAM,)
    sources = readings if target.tells_apart else (STREAM,)
    fitted: list[Fitted] = []
    skipped: dict[str, Skip] = {}
    for source in sources:
        for depth in range(target.exits):
            validation = target.features(Validation, source, depth)
            for draw, train in _draws(protocol, target.features(Train, source, depth)):
                if train is None:
                    skip = _too_few(label, draw)
                    skipped[str(skip.condition)] = skip
                    continue
                selected = select(protocol, train, validation, device)
                fitted.append(Fitted(source, depth, draw, selected))
    if not fitted:
        msg = f"{label}: every class must have {protocol.shots[0]} training images or more"
        raise Unsupported(msg)
    return Probing(
        target=target,
        protocol=protocol,
        label=label,
        readings=readings,
        fitted=tuple(fitted),
        skipped=tuple(skipped.values()),
        seconds=time.perf_counter() - begin,
    )


def _draws(
    protocol: Protocol, train: Features[Train]
) -> Iterator[tuple[dict[str, Scalar], Features[Train] | None]]:
    if not protocol.shots:
        yield {}, train
    for per_class in protocol.shots:
        for draw in range(protocol.draws):
            yield {"per_class": per_class, "repeat": draw}, shots(train, per_class, draw)


def _too_few(label: str, draw: Mapping[str, Scalar]) -> Skip:
    reason = f"a class has fewer than {draw['per_class']} training images"
    return Skip({**CLEAN, "protocol": label, "per_class": draw["per_class"]}, reason)


def _named(probes: list[Fitted]) -> str:
    names = list(dict.fromkeys(f"{f.source} {f.exit}" for f in probes))
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def _estimate(sample: BoundedSample) -> dict[str, float]:
    low, high = sample.interval()
    return {"value": sample.value, "low": low, "high": min(high, 1.0)}
