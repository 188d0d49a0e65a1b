"""Compression: every exit of one forward pass, the cut chosen on validation, and its costs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property, partial
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from acn_eval.checkpoints import cut_at
from acn_eval.inference import EvaluatedModel, Runtime, Timed, latencies
from acn_eval.models import Cuttable, exit_costs, head_flops
from acn_eval.results import Cell, EvalResult, Skip
from acn_eval.studies.compression.depth import cut_depth, images_needed
from acn_eval.studies.compression.early_exit import (
    BATCH,
    RULES,
    Exits,
    Prices,
    chosen,
    operating,
)
from acn_eval.studies.compression.spread import Measured
from acn_eval.studies.compression.suite import Compression
from acn_eval.studies.robustness.measure import Showing, Shown
from acn_eval.study.record import Answer, answered, cell_of
from acn_eval.study.run import Study, Unit

__all__ = ["STUDY", "CompressionStudy"]

_TOLERANCES = (0.005, 0.02)
_BATCHES = {f"batch{n}": n for n in (1, BATCH, 64)}
_EARLY = {"early": 1, f"early{BATCH}": BATCH}
_MOST_FLOPS = 5e10  # of a batch that a CPU is timed on at every exit, some ten times


class CompressionStudy(Study[Compression]):
    """Every exit on test images, and on clean validation images, on which the cut is chosen."""

    @cached_property
    def test(self) -> Showing:
        """The test images, under every condition."""
        own = self.request
        return Showing(own.suite.noise, own.subjects, own, own.examples, exits=True)

    @cached_property
    def validation(self) -> Showing | None:
        """The clean validation images; without exits there is nothing to choose."""
        own, deep = self.request, self._deep
        if not deep:
            return None
        runtime = replace(own.runtime, precision=self.test.numeric)
        held_out, own = own.split("validation"), replace(own, runtime=runtime)
        return Showing(own.suite.noise, deep, own, held_out, exits=True, corrupted=False)

    @cached_property
    def spreads(self) -> list[Measured]:
        """What outputs tell apart, of every network that has exits."""
        own, spec_of = self.request, self.test.spec_of
        return [Measured.of(s.checkpoint, own.whole, spec_of(s), own.runtime) for s in self._deep]

    @cached_property
    def _deep(self) -> list[EvaluatedModel]:
        """The networks with exits."""
        own = self.request
        return [s for s in own.subjects if _exits_of(s, own.runtime) > 1]

    def units(self) -> list[Unit]:
        """Return the units of both splits, and of the spread."""
        return [*chain(*self._parts())]

    def _parts(self) -> tuple[list[Unit], ...]:
        validation = self.validation.units if self.validation else ()
        spread = chain(*(measured.units for measured in self.spreads))
        return [*self.test.units], [*validation], [*spread]

    def assemble(self, outcomes: Sequence[bytes]) -> list[EvalResult]:
        """Return a result per checkpoint."""
        left = iter(outcomes)
        test, validation, spread = ([*islice(left, len(part))] for part in self._parts())
        contents = iter(spread)
        details = [measured.details(contents) for measured in self.spreads]
        deep = zip(self._held_out(validation), details, strict=True)
        pairs = zip(self.request.subjects, self.test.shown(test), strict=True)
        return [
            answered(
                self.request,
                subject,
                self._with_exits(subject, shown, *next(deep))
                if len(shown.outcomes[0]) > 1
                else _without_exits(subject, shown),
            )
            for subject, shown in pairs
        ]

    def _held_out(self, outcomes: Sequence[bytes]) -> list[Exits]:
        """Return the exits on validation of every network that has some."""
        if self.validation is None:
            return []
        labels = self.validation.examples.labels
        return [_exits(row[0], labels) for _, _, row in self.validation.joined(outcomes)]

    def _with_exits(
        self, subject: EvaluatedModel, test: Shown, held_out: Exits, spread: dict[str, Any]
    ) -> Answer:
        answer = self._answer(subject, test, held_out)
        return replace(answer, details={**answer.details, "spread": spread})

    def _answer(self, subject: EvaluatedModel, test: Shown, held_out: Exits) -> Answer:
        tolerance = self._tolerance()
        cut = cut_depth(held_out.correct, tolerance).estimate
        many, n = held_out.correct.shape
        details = {
            "tolerance": tolerance,
            "depth": many - 1,
            "validation": {"n": n, "accuracy": held_out.accuracies(), "cut": cut},
        }
        exits, example = _exits(test.outcomes[0], test.labels), subject.checkpoint.id.example
        warnings = (*_unprovable(len(test.labels), tolerance, example), *_unmoved(exits))
        cells = tuple(_cells(test, cut))
        answer = replace(test.answer(), cells=cells, details=details, warnings=warnings)
        network = subject.checkpoint.model
        if not isinstance(network, Cuttable):
            reason = f"{subject.checkpoint.id.name} cannot be truncated here, so costs are unknown"
            return _skipping(answer, test, "early", reason)
        largest = max(_BATCHES.values())
        blank = subject.checkpoint.prepare.blank(largest).to(self.request.runtime.device)
        costs, head = self._costs(subject, network, test, blank), head_flops(network, blank[:1])
        warnings = (*answer.warnings, *_untimed(costs, subject.checkpoint.id.name))
        answer = replace(answer, warnings=warnings)
        return _with_early_exit(answer, costs, head, test, held_out, example=example)

    def _tolerance(self) -> float:
        fine, coarse = _TOLERANCES
        default = fine if len(self.request.whole) >= images_needed(fine) else coarse
        return self.request.suite.tolerance or default

    def _costs(
        self, subject: EvaluatedModel, network: Cuttable, shown: Shown, blank: Any
    ) -> list[dict[str, Any]]:
        """Measure what the network costs that is cut at each exit 0 .. L.

        ``early`` is the time of one example that leaves there, all heads on the way included,
        and ``early32`` that of a batch; `blank` are as many as the largest batch. A CPU is not
        timed on batches of more than `_MOST_FLOPS`, which would take minutes.
        """
        costs = exit_costs(network, blank[:1])
        most = int(_MOST_FLOPS // costs[-1].flops) if blank.device.type == "cpu" else len(blank)
        asked = [_timed(network, k, blank, max(1, most)) for k in range(len(costs))]
        every = chain.from_iterable(own.values() for own in asked)
        times = iter(latencies(list(every), shown.numeric, seconds=self.request.suite.seconds))
        rows = []
        for k, (cost, names) in enumerate(zip(costs, asked, strict=True)):
            row = {"exit": k, **asdict(cost), "weight_bytes": _weight_bytes(subject, network, k)}
            row["memory_bytes"] = 4 * cost.parameters + cost.activation_bytes
            row |= {name: asdict(next(times)) for name in names}
            rows.append(row)
        return rows


@torch.no_grad()
def _exits_of(subject: EvaluatedModel, runtime: Runtime) -> int:
    """Return the number of exits of a network."""
    checkpoint = subject.checkpoint
    blank = checkpoint.prepare.blank(1).to(runtime.device)
    return len(checkpoint.model.exits(blank))


def _timed(network: Cuttable, exit: int, blank: Any, most: int) -> dict[str, Timed]:
    """Return what is timed of an exit, by name, in batches of at most so many."""
    cut, leave = network.truncated(exit), partial(network.leave_at, exit=exit)
    whole = {name: Timed(cut, blank[:n]) for name, n in _BATCHES.items() if n <= most}
    return whole | {name: Timed(leave, blank[:n]) for name, n in _EARLY.items() if n <= most}


def _exits(outcomes: NDArray[np.void], labels: NDArray[np.int64]) -> Exits:
    """Return what every exit answered about clean images, from outcomes (exits, n)."""
    predicted, confidence, entropy = (
        outcomes[name] for name in ("predicted", "confidence", "entropy")
    )
    return Exits(predicted, confidence, entropy, (predicted == labels).astype(np.float32))


def _cells(shown: Shown, cut: int) -> Iterator[Cell]:
    """Every condition at every exit; the chosen cut, and the last exit, by name as well."""
    last = len(shown.outcomes[0]) - 1
    exits: list[tuple[int | str, int]] = [(k, k) for k in range(last + 1)]
    for question, outcomes in zip(shown.questions, shown.outcomes, strict=True):
        for exit, k in (*exits, ("cut", cut), ("last", last)):
            condition = {**question.condition, "exit": exit}
            primary = question.corruption is None and exit == k
            yield cell_of(condition, outcomes[k], shown.labels, primary=primary)


def _without_exits(subject: EvaluatedModel, shown: Shown) -> Answer:
    """Answer with the last exit alone."""
    cells = tuple(
        cell_of({**q.condition, "exit": "last"}, o[-1], shown.labels, primary=q.corruption is None)
        for q, o in zip(shown.questions, shown.outcomes, strict=True)
    )
    reason = f"{subject.checkpoint.id.name} has no exits"
    return _skipping(replace(shown.answer(), cells=cells), shown, "every other", reason)


def _skipping(answer: Answer, shown: Shown, exit: str, reason: str) -> Answer:
    """Add that some exits were not measured."""
    skip = Skip({**shown.questions[0].condition, "exit": exit}, reason)
    return replace(answer, skipped=(*answer.skipped, skip))


def _weight_bytes(subject: EvaluatedModel, network: Cuttable, exit: int) -> int:
    """Bytes of the weights of the first blocks, in the dtype of the network's file."""
    if subject.checkpoint.native is not None:
        state: Mapping[str, Tensor] = cut_at(subject.checkpoint, exit).state
    else:
        state = network.truncated(exit).state_dict()
    return sum(value.nbytes for value in state.values())


def _with_early_exit(
    answer: Answer,
    costs: list[dict[str, Any]],
    head: int,
    test: Shown,
    held_out: Exits,
    *,
    example: str,
) -> Answer:
    """Add costs, the trade-off of every rule, and the cells of thresholds chosen on validation.

    `head` is the FLOPs of every further head on the way, and `example` what an example is called.
    """
    flops = [row["flops"] + max(0, row["exit"] - 1) * head for row in costs]
    alone, together = (_milliseconds(costs, name) for name in _EARLY)
    assert alone is not None
    prices = Prices(flops, alone, together)
    exits = _exits(test.outcomes[0], test.labels)
    rows: list[dict[str, Any]] = []
    cells: list[Cell] = []
    for rule in RULES:
        best = chosen(rule, held_out, prices, answer.details["tolerance"])
        points = [operating(rule, t, exits, prices) for t in rule.thresholds]
        rows += [{**asdict(p), "chosen": p.threshold == best} for p in points]
        taken = rule.taken(exits, best)
        outcomes: NDArray[np.void] = test.outcomes[0][taken, np.arange(len(taken))]
        condition = {**test.questions[0].condition, "exit": "early", "policy": rule.name}
        cells.append(cell_of(condition, outcomes, test.labels, primary=False))
    charts = [
        {"name": name, "x": f"thousand FLOPs per {example}", "points": points}
        for name, points in _curves(exits, costs, rows)
    ]
    more = {"costs": costs, "early_exit": rows, "charts": charts}
    return replace(answer, cells=(*answer.cells, *cells), details={**answer.details, **more})


def _milliseconds(costs: list[dict[str, Any]], name: str) -> list[float] | None:
    """Return the time at every exit, or None where it was not measured."""
    return [row[name]["median_ms"] for row in costs] if name in costs[0] else None


def _curves(
    exits: Exits, costs: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Yield accuracy against thousand FLOPs, of every cut and of every rule."""
    cuts = zip(costs, exits.accuracies(), strict=True)
    yield "cut", _scaled((row["flops"], value) for row, value in cuts)
    for rule in RULES:
        own = [row for row in rows if row["rule"] == rule.name]
        points = ((row["flops"], row["accuracy"]["value"]) for row in own)
        yield f"early exit by {rule.name}", _scaled(points)


def _scaled(points: Iterable[tuple[float, float]]) -> list[tuple[int, float]]:
    """Return one value per place: of equal costs, the better accuracy."""
    scaled: dict[int, float] = {}
    for flops, value in points:
        x = round(flops / 1000)
        scaled[x] = max(value, scaled.get(x, 0.0))
    return sorted(scaled.items())


def _unprovable(n: int, tolerance: float, example: str) -> list[str]:
    """Warn where even exits that agree on every example would prove nothing superfluous."""
    least, points = images_needed(tolerance), f"{100 * tolerance:g} points"
    text = f"{n} {example}s are too few to prove a cut at {points}: {least} suffice if exits agree"
    return [text] if n < least else []


def _untimed(costs: list[dict[str, Any]], name: str) -> list[str]:
    """Say which batches were not timed."""
    left_out = " and ".join(str(n) for batch, n in _BATCHES.items() if batch not in costs[0])
    text = f"{name} was not timed on batches of {left_out}, which take a CPU minutes"
    return [text] if left_out else []


def _unmoved(exits: Exits) -> list[str]:
    """Name exits that answer exactly as the one before: an exit layer that was ignored."""
    same = [
        k
        for k in range(1, len(exits.confidence))
        if np.array_equal(exits.confidence[k], exits.confidence[k - 1])
        and np.array_equal(exits.predicted[k], exits.predicted[k - 1])
    ]
    return [f"exit {k} answers exactly as exit {k - 1}: its block does nothing" for k in same]


STUDY = CompressionStudy
