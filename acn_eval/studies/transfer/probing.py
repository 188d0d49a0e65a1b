"""Fits the probes of one network under one protocol, and applies them to test images."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

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

__all__ = ["Fitted", "Probing", "mean_per_class", "probing"]

STREAM, BLOCK = "stream", "block"


@dataclass(frozen=True)
class Fitted:
    """One probe.

    Attributes:
        source: the reading whose features it was fitted on.
        exit: its depth, counted from 0.
        draw: ``per_class`` and ``repeat`` where it was fitted on few images, else empty.
    """

    source: str
    exit: int
    draw: Mapping[str, Scalar]
    selected: Selected


@dataclass(frozen=True)
class Probing:
    """All probes of one network under one protocol.

    Attributes:
        label: of the protocol, in the condition of every cell.
        readings: of the cells; where they are one, both have the same probes.
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
        """The depth of the stream that is best on validation; the shallowest of equals."""
        by_depth: dict[int, list[float]] = {}
        for f in self.fitted:
            if f.source == STREAM:
                by_depth.setdefault(f.exit, []).append(f.selected.validation)
        means = {depth: float(np.mean(found)) for depth, found in by_depth.items()}
        return max(sorted(means), key=means.__getitem__)

    @property
    def last(self) -> int:
        """The deepest depth."""
        return len(self.target.names) - 1

    def _named(self, depth: int) -> int | str:
        return self.target.names[depth]

    @property
    def deepest_probe(self) -> Probe:
        """The probe of the last exit, of the largest draw where there are several."""
        own = [f for f in self.fitted if (f.source, f.exit) == (STREAM, self.last)]
        return own[-1].selected.probe

    def cells(self, *, primary: bool) -> Iterator[Cell]:
        """Yield a cell per test condition and probe, and for the named depths once more."""
        last, chosen = self.last, self.chosen
        for q, question in enumerate(self.target.test.questions):
            shown = {k: v for k, v in question.condition.items() if k != "repeat"}
            pairs = list(zip(self.fitted, self._answers[q], strict=True))
            for reading in self.readings if last else ():
                source = reading if self.target.has_readings else STREAM
                for f, answered in pairs:
                    if f.source == source:
                        yield self._cell(shown, f, answered, reading, self._named(f.exit))
            for name, depth in (("last", last), ("chosen", chosen)):
                counts = primary and q == 0 and name == "last"
                for f, answered in pairs:
                    if (f.source, f.exit) == (STREAM, depth):
                        yield self._cell(shown, f, answered, STREAM, name, primary=counts)

    def details(self) -> dict[str, Any]:
        """Return what was chosen, and accuracies on clean test images, as plain types."""
        pairs = zip(self.fitted, self._answers[0], strict=True)
        return {
            "protocol": self.protocol.facts(),
            "chosen": self._named(self.chosen),
            "seconds": round(self.seconds, 3),
            "probes": [self._row(f, answered) for f, answered in pairs],
        }

    def warnings(self) -> Iterator[str]:
        """Yield a sentence where solvers did not converge, or a grid was too short."""
        name = f"{self.target.subject.checkpoint.id.name}, {self.label}"
        late = [f for f in self.fitted if not f.selected.converged]
        edge = [f for f in self.fitted if f.selected.edge]
        for own, what in (
            (late, "did not converge"),
            (edge, "chose a penalty at an end of the grid"),
        ):
            if own:
                yield f"{name}: {len(own)} of {len(self.fitted)} probes {what} ({_named(own)})"

    @cached_property
    def _answers(self) -> list[list[Answered]]:
        """What every probe answers about test images, per question."""
        target, questions = self.target, range(len(self.target.test.questions))
        return [
            [
                score(f.selected.probe, target.features(Test, f.source, f.exit, q))
                for f in self.fitted
            ]
            for q in questions
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
            "exit": self._named(f.exit),
            **f.draw,
            **chosen,
            "accuracy": _estimate(BoundedSample.of(correct, ACCURACY)),
            "mean_per_class": _estimate(mean_per_class(correct, test.labels, len(test.classes))),
        }


def probing(
    target: SplitFeatures, protocol: Protocol, *, block: bool, device: torch.device
) -> Probing:
    """Fit and choose all probes of a network; `block` also probes what the next block reads.

    Raises:
        Unsupported: no class has enough training images for the smallest draw.
    """
    begin = time.perf_counter()
    label = f"{protocol.label}-probe" if protocol.fine_tune else protocol.label
    many = len(target.names)
    exits = many > 1 and target.names[0] == 0
    readings = (STREAM, BLOCK) if block and exits else (STREAM,)
    sources = readings if target.has_readings else (STREAM,)
    fitted: list[Fitted] = []
    skipped: dict[str, Skip] = {}
    for source in sources:
        for depth in range(many):
            validation = target.features(Validation, source, depth)
            for draw, train in _draws(protocol, target.features(Train, source, depth)):
                if train is not None:
                    selected = select(protocol, train, validation, device)
                    fitted.append(Fitted(source, depth, draw, selected))
                    continue
                shot = draw["per_class"]
                condition = {**CLEAN, "protocol": label, "per_class": shot}
                reason = f"a class has fewer than {shot} training examples"
                skipped[str(condition)] = Skip(condition, reason)
    if not fitted:
        msg = f"{label}: every class must have {protocol.shots[0]} training examples or more"
        raise Unsupported(msg)
    parts, seconds = (tuple(fitted), tuple(skipped.values())), time.perf_counter() - begin
    return Probing(target, protocol, label, readings, *parts, seconds)


def mean_per_class(
    correct: NDArray[np.float32], labels: NDArray[np.int64], classes: int
) -> BoundedSample:
    """Return the sample whose mean is the mean over classes of the accuracy in each.

    An image of class c counts ``n / (classes n_c)``; classes without an image are left out.

    >>> correct, labels = np.array([1, 0, 1], np.float32), np.array([0, 0, 1])
    >>> mean_per_class(correct, labels, 2).value
    0.75
    """
    counts = np.bincount(labels, minlength=classes)
    present = int((counts > 0).sum())
    weights = len(labels) / (present * counts[labels])
    return BoundedSample.of(correct * weights, (0.0, float(weights.max())))


def _draws(
    protocol: Protocol, train: Features[Train]
) -> Iterator[tuple[dict[str, Scalar], Features[Train] | None]]:
    if not protocol.shots:
        yield {}, train
    for per_class in protocol.shots:
        for draw in range(protocol.draws):
            yield {"per_class": per_class, "repeat": draw}, shots(train, per_class, draw)


def _named(probes: list[Fitted]) -> str:
    names = list(dict.fromkeys(f"{f.source} {f.exit}" for f in probes))
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def _estimate(sample: BoundedSample) -> dict[str, float]:
    low, high = sample.interval()
    return {"value": sample.value, "low": low, "high": min(high, 1.0)}
