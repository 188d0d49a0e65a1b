"""Runs a pair block by block, and stops where the gate has decided."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from acn_eval.cells import PER_EXAMPLE
from acn_eval.data import Examples
from acn_eval.evaluation import Block
from acn_eval.gate.config import Gate
from acn_eval.gate.decide import look
from acn_eval.gate.verdict import Network, Verdict
from acn_eval.results import Cell, DataId, EvalResult

__all__ = ["Stopped", "until_decided"]


@dataclass(frozen=True)
class Stopped:
    """A verdict, and the results on the examples that it needed."""

    verdict: Verdict
    candidate: EvalResult
    baseline: EvalResult


def until_decided(
    gate: Gate, blocks: Iterable[Block], progress: Callable[[int, int], None]
) -> Stopped:
    """Look after every block and stop as soon as there is a verdict.

    Nothing is remembered between runs but the outcomes themselves: a run that was killed sees
    the same examples in the same order, and stops where it would have.

    Args:
        gate: its rules.
        blocks: of (candidate, baseline), in the order that both weights key; one or more.
        progress: is called with (examples shown, in all).
    """
    parts: list[Sequence[EvalResult]] = []
    for block in blocks:
        parts.append(block.results)
        total, shown = len(block.whole), len(block.shown)
        progress(shown, total)
        ours, theirs = (_joined(side, block.shown) for side in zip(*parts, strict=True))
        verdict = look(gate, ours, theirs, total=total)
        if verdict is not None:
            data = (block.shown if shown < total else block.whole).id
            ours, theirs = (_marked(side, data, total) for side in (ours, theirs))
            named = replace(verdict, candidate=Network.of(ours), baseline=Network.of(theirs))
            return Stopped(named, ours, theirs)
    raise ValueError("until_decided: needs blocks up to the last example")


def _joined(parts: Sequence[EvalResult], shown: Examples) -> EvalResult:
    """One result of several blocks; what the examples are is said when the run has stopped."""
    first = parts[0]
    cells = map(_one_cell, zip(*(part.cells for part in parts), strict=True))
    warnings = dict.fromkeys(warning for part in parts for warning in part.warnings)
    data = replace(first.data, n=len(shown), fingerprint="")
    return replace(first, cells=tuple(cells), data=data, warnings=tuple(warnings))


def _one_cell(cells: Sequence[Cell]) -> Cell:
    own = [name for name in PER_EXAMPLE if getattr(cells[0], name) is not None]
    joined: dict[str, Any] = {n: np.concatenate([getattr(c, n) for c in cells]) for n in own}
    return replace(cells[0], **joined)


def _marked(result: EvalResult, data: DataId, total: int) -> EvalResult:
    """The result with the examples that it has; one that is not complete says so."""
    if data.n == total:
        return replace(result, data=data)
    warning = f"stopped after {data.n:,} of {total:,} examples: only the gate's limits hold"
    details = {**result.details, "stopped_early": {"shown": data.n, "of": total}}
    return replace(result, data=data, warnings=(*result.warnings, warning), details=details)
