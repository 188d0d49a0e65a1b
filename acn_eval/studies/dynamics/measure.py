"""Measures a network after its training, and assembles what its result says."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np
import torch

from acn_eval.config_files import recorded
from acn_eval.data import Examples
from acn_eval.errors import Unsupported
from acn_eval.inference import CLEAN, EvaluatedModel
from acn_eval.inference.spread import Spread
from acn_eval.results import Cell, Skip
from acn_eval.statistics.score import BoundedSample
from acn_eval.studies.dynamics.gradients import PARTS, backward_paths
from acn_eval.studies.dynamics.snapshots import (
    Observer,
    Outcomes,
    Snapshot,
    encoder_of,
    features,
    outcomes,
)
from acn_eval.studies.dynamics.utilization import linear_cka, stable_rank, without
from acn_eval.study.record import Answer
from acn_eval.training.packed import pack, unpack
from acn_eval.training.threads import fitting_threads

__all__ = ["Observation", "observe"]


_SCORES = ("accuracy", "loss")


@dataclass(frozen=True)
class Observation:
    """What was measured of a network.

    Attributes:
        snapshots: in the order of their steps; one for a finished checkpoint.
        exits: outcomes of every exit on the test images.
        without: outcomes of the last exit without each block 1 .. L; empty where a block cannot
            be deleted.
        reason: why none can be, in words.
        facts: further facts for the record, as plain JSON.
        initial: spread of every exit at initialization; empty where that is not known.
    """

    snapshots: Sequence[Snapshot]
    exits: Outcomes
    without: Outcomes
    reason: str
    facts: Mapping[str, Any]
    initial: Sequence[Spread]

    def pack(self) -> bytes:
        """Return it as bytes, to be kept."""
        named = {"exits": self.exits, "without": self.without}
        arrays = {
            f"{name} {field}": torch.from_numpy(values)
            for name, shown in named.items()
            for field, values in vars(shown).items()
        }
        snapshots, initial = ([asdict(s) for s in own] for own in (self.snapshots, self.initial))
        texts = [snapshots, self.reason, self.facts, initial]
        return pack({**arrays, "texts": json.dumps(texts)})

    @staticmethod
    def unpack(content: bytes) -> "Observation":
        """Read what `pack` returned."""
        kept = unpack(content)
        rows, reason, facts, spread = json.loads(kept["texts"])
        exits, deleted = (
            Outcomes(*(kept[f"{name} {field.name}"].numpy() for field in fields(Outcomes)))
            for name in ("exits", "without")
        )
        snapshots, initial = recorded(rows, list[Snapshot]), recorded(spread, list[Spread])
        return Observation(snapshots, exits, deleted, reason, facts, initial)

    def answer(self, test: Examples, warnings: Iterable[str]) -> Answer:
        """Return the cells and details of a result; `test` are the test images."""
        last, depth = len(self.exits.predicted) - 1, len(self.without.predicted)
        exits = _cells(self.exits, test, [{"exit": k} for k in range(last + 1)], primary=last)
        without = [{"exit": "last", "without": block} for block in range(1, depth + 1)]
        deleted = _cells(self.without, test, without)
        condition = {**CLEAN, "exit": "last", "without": "any block"}
        skipped = (Skip(condition, self.reason),) if self.reason else ()
        details = {
            **_trajectory(self.snapshots, self.facts),
            "spread": {
                "n": self.facts["n"],
                "initial": _rows(self.initial) or None,
                "looks": [_rows(snapshot.spread) for snapshot in self.snapshots],
            },
            "without": [_lost(exits[-1], cell) for cell in deleted],
            **self.facts["representation"],
            "charts": _charts(self.snapshots, self.initial, test.inputs.modality),
        }
        return Answer((*exits, *deleted), skipped, details=details, warnings=tuple(warnings))


def observe(
    subject: EvaluatedModel,
    observer: Observer,
    snapshots: Sequence[Snapshot],
    test: Examples,
    initial: Sequence[Spread],
) -> Observation:
    """Show the test images to every exit, and to the network without each block in turn."""
    network, runtime = encoder_of(subject), observer.runtime
    with fitting_threads(network, runtime.batches(subject.checkpoint.id.flops).size):
        exits = outcomes(subject, test, runtime)
        deleted, reason = _without_each(subject, observer, test)
        facts = {
            "images": len(observer.probe),
            "n": len(observer.validation),
            "backward_paths": backward_paths(network.config.connectivity, network.config.units),
            "representation": _representation(subject, observer),
        }
    return Observation(snapshots, exits, deleted, reason, facts, initial)


def _without_each(
    subject: EvaluatedModel, observer: Observer, test: Examples
) -> tuple[Outcomes, str]:
    """Return the last exit's outcomes without each block 1 .. L, or why there are none."""
    network, parts = encoder_of(subject), []
    none = np.empty((0, len(test)))
    nothing = Outcomes(none.astype(np.int32), none.astype(np.float32), none.astype(np.float32))
    for block in range(1, network.config.depth + 1):
        try:
            model = without(network, block)
        except Unsupported as exc:
            return nothing, str(exc)
        cut = replace(subject, checkpoint=replace(subject.checkpoint, model=model))
        parts.append(outcomes(cut, test, observer.runtime))
    last = (np.stack([getattr(p, f.name)[-1] for p in parts]) for f in fields(Outcomes))
    return Outcomes(*last), ""


def _cells(
    shown: Outcomes,
    test: Examples,
    conditions: Sequence[Mapping[str, Any]],
    primary: int | None = None,
) -> list[Cell]:
    rows = zip(conditions, shown.predicted, shown.confidence, strict=True)
    return [
        Cell.answered(
            {**CLEAN, **condition},
            test.ids,
            test.labels,
            predicted,
            primary=i == primary,
            confidence=confidence,
        )
        for i, (condition, predicted, confidence) in enumerate(rows)
    ]


def _lost(whole: Cell, cut: Cell) -> dict[str, Any]:
    """Accuracy lost with a block, paired by image: the score method's value and 95 % limits."""
    sample = BoundedSample.of((whole.values - cut.values).astype(np.float64))
    low, high = sample.interval(0.95)
    return {"block": cut.condition["without"], "lost": sample.value, "low": low, "high": high}


def _trajectory(snapshots: Sequence[Snapshot], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "steps": [s.step for s in snapshots],
        "gradients": {
            "images": facts["images"],
            **{part: [list(getattr(s, part)) for s in snapshots] for part in PARTS},
        },
        "validation": {
            "n": facts["n"],
            **{score: [list(getattr(s, score)) for s in snapshots] for score in _SCORES},
        },
        "backward_paths": facts["backward_paths"],
    }


def _representation(subject: EvaluatedModel, observer: Observer) -> dict[str, Any]:
    """Stable rank of every exit's features on validation, and their CKA with each other."""
    exits = features(subject, observer.validation, observer.runtime)
    return {
        "stable_rank": [_known(stable_rank(x)) for x in exits],
        "cka": [[_known(linear_cka(x, y)) for y in exits] for x in exits],
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _rows(spread: Sequence[Spread]) -> list[dict[str, float | None]]:
    """Return plain JSON, one row per exit."""
    return [{name: _known(value) for name, value in asdict(own).items()} for own in spread]


def _charts(
    snapshots: Sequence[Snapshot], initial: Sequence[Spread], modality: str
) -> list[dict[str, Any]]:
    """Fractions over steps: accuracy and spread per exit, and per layer shares of gradients."""
    rows: dict[str, list[list[float]]] = {}
    looks = {0: initial, **{s.step: s.spread for s in snapshots}}
    variances = (
        _variances(step, spread, modality.removesuffix("s")) for step, spread in looks.items()
    )
    for name, step, value in chain(*map(_fractions, snapshots), *variances):
        rows.setdefault(name, []).append([step, value])
    return [{"name": name, "x": "step", "points": points} for name, points in rows.items()]


def _variances(
    step: int, spread: Sequence[Spread], example: str
) -> Iterator[tuple[str, int, float]]:
    for i, own in enumerate(spread):
        for name, share in (("token", own.tokens), (example, own.images)):
            if not math.isnan(share):
                yield f"{name} variance exit {i}", step, share


def _fractions(s: Snapshot) -> Iterator[tuple[str, int, float]]:
    whole = math.fsum(full**2 for full in s.full)
    for i, accuracy in enumerate(s.accuracy):
        yield f"exit {i}", s.step, accuracy
    for i, (full, own) in enumerate(zip(s.full, s.direct, strict=True)):
        if full:
            yield f"direct share layer {i}", s.step, own / full
            yield f"gradient share layer {i}", s.step, full**2 / whole
