"""What is known of a network when its training is over: one result."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acn_eval.corruptions import NOISE_VERSION
from acn_eval.data import Examples
from acn_eval.errors import Unsupported
from acn_eval.inference import CLEAN, EvaluatedModel
from acn_eval.models import Encoder
from acn_eval.models.encoder import Block
from acn_eval.results import Cell, EvalResult, Skip
from acn_eval.statistics import BoundedSample
from acn_eval.studies.dynamics.gradients import backward_paths
from acn_eval.studies.dynamics.snapshots import Snapshot, Watch, encoder_of, features, outcomes
from acn_eval.studies.dynamics.utilization import linear_cka, stable_rank, without
from acn_eval.versions import versions

__all__ = ["Watched", "result_of"]


@dataclass(frozen=True)
class Watched:
    """A network, what was seen of it on the way, and what it is shown at the end.

    Attributes:
        suite: what goes into the record.
        watch: what was asked at every look.
        snapshots: in the order of their steps; one for a finished checkpoint.
        test: images of the cells.
    """

    subject: EvaluatedModel
    suite: Mapping[str, Any]
    watch: Watch
    snapshots: Sequence[Snapshot]
    test: Examples


def result_of(watched: Watched) -> EvalResult:
    """Show the test images to every exit, and without each block in turn; return everything."""
    subject, test, runtime = watched.subject, watched.test, watched.watch.runtime
    exits = list(_exits(watched))
    deleted, skipped = _deleted(watched)
    return EvalResult(
        checkpoint=subject.checkpoint.id,
        data=test.id,
        suite=watched.suite,
        seed=0,
        precision="fp32",
        device=runtime.device.type,
        noise_version=NOISE_VERSION,
        noise_digest="",
        certificate={},
        versions=versions("acn-eval", "torch", "numpy"),
        cells=(*exits, *deleted),
        skipped=skipped,
        created_ms=time.time_ns() // 1_000_000,
        warnings=tuple(_warnings(watched)),
        details={
            **_trajectory(watched),
            "without": [_lost(exits[-1], cell) for cell in deleted],
            **_representation(watched),
            "charts": _charts(watched.snapshots),
        },
    )


def _exits(watched: Watched) -> Iterator[Cell]:
    found = outcomes(watched.subject, watched.test, watched.watch.runtime)
    last = len(found.predicted) - 1
    for k, (predicted, confidence) in enumerate(zip(*vars(found).values(), strict=True)):
        condition = {**CLEAN, "exit": k}
        yield _cell(condition, watched.test, predicted, confidence, primary=k == last)


def _deleted(watched: Watched) -> tuple[list[Cell], tuple[Skip, ...]]:
    """Return the last exit without each block 1 .. L, or why it cannot be had."""
    network, test = encoder_of(watched.subject), watched.test
    cells = []
    for block in range(1, network.config.depth + 1):
        condition = {**CLEAN, "exit": "last", "without": block}
        try:
            model = without(network, block)
        except Unsupported as exc:
            return [], (Skip({**CLEAN, "exit": "last", "without": "any block"}, str(exc)),)
        cut = replace(watched.subject.checkpoint, model=model)
        found = outcomes(replace(watched.subject, checkpoint=cut), test, watched.watch.runtime)
        predicted, confidence = found.predicted[-1], found.confidence[-1]
        cells.append(_cell(condition, test, predicted, confidence, primary=False))
    return cells, ()


def _cell(
    condition: Mapping[str, Any],
    test: Examples,
    predicted: NDArray[np.int32],
    confidence: NDArray[np.float32],
    *,
    primary: bool,
) -> Cell:
    more = {"primary": primary, "confidence": confidence}
    return Cell.answered(condition, test.ids, test.labels, predicted, **more)


def _lost(whole: Cell, cut: Cell) -> dict[str, Any]:
    """Accuracy lost with a block, paired by image: the score method's value and 95 % limits."""
    sample = BoundedSample.of((whole.values - cut.values).astype(np.float64))
    low, high = sample.interval(0.95)
    return {"block": cut.condition["without"], "lost": sample.value, "low": low, "high": high}


def _trajectory(watched: Watched) -> dict[str, Any]:
    snapshots, network = watched.snapshots, encoder_of(watched.subject)
    return {
        "steps": [s.step for s in snapshots],
        "gradients": {
            "images": len(watched.watch.probe),
            "full": [list(s.full) for s in snapshots],
            "direct": [list(s.direct) for s in snapshots],
            "mediated": [list(s.mediated) for s in snapshots],
        },
        "validation": {
            "n": len(watched.watch.validation),
            "accuracy": [list(s.accuracy) for s in snapshots],
        },
        "backward_paths": backward_paths(network.config.connectivity, _units(network)),
    }


def _units(network: Encoder) -> int:
    blocks = [block for block in network.blocks if isinstance(block, Block)]
    if network.config.unit == "block":
        return len(blocks)
    return sum(len(block.sublayers()) for block in blocks)


def _representation(watched: Watched) -> dict[str, Any]:
    """Stable rank of every exit's features on validation, and their CKA with each other."""
    exits = features(watched.subject, watched.watch.validation, watched.watch.runtime)
    return {
        "stable_rank": [_known(stable_rank(x)) for x in exits],
        "cka": [[_known(linear_cka(x, y)) for y in exits] for x in exits],
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _charts(snapshots: Sequence[Snapshot]) -> list[dict[str, Any]]:
    """Fractions over steps: accuracy per exit, and per layer two shares of gradient norms."""
    rows: dict[str, list[list[float]]] = {}
    for s in snapshots:
        whole = math.fsum(full**2 for full in s.full)
        for i, accuracy in enumerate(s.accuracy):
            rows.setdefault(f"exit {i}", []).append([s.step, accuracy])
        for i, (full, own) in enumerate(zip(s.full, s.direct, strict=True)):
            if full:
                rows.setdefault(f"direct share layer {i}", []).append([s.step, own / full])
                rows.setdefault(f"gradient share layer {i}", []).append([s.step, full**2 / whole])
    return [{"name": name, "x": "step", "points": points} for name, points in rows.items()]


def _warnings(watched: Watched) -> Iterator[str]:
    checkpoint, test = watched.subject.checkpoint, watched.test
    yield "one training per network: this is about these trainings, not their architectures"
    yield from test.notes
    seen = int(np.isin(test.hashes, checkpoint.training_hashes).sum())
    if seen:
        yield f"{checkpoint.id.name} was trained on {seen} of these {len(test)} images"
