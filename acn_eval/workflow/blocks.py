"""Shows a pair block by block, and stops where a look at the outcomes decides."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from acn_eval import evaluation
from acn_eval.cells import PER_EXAMPLE
from acn_eval.checkpoints import Checkpoint
from acn_eval.data import Examples
from acn_eval.errors import ConfigError
from acn_eval.evaluation import Block
from acn_eval.results import Cell, DataId, EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.statistics.sequential import BLOCK, order_names
from acn_eval.tally import Progress
from acn_eval.workflow.running import runtime_of, suite_of

__all__ = ["Look", "Stopped", "in_blocks", "until_decided"]

V = TypeVar("V", covariant=True)


class Look(Protocol[V]):
    """Judges a candidate and a baseline after some of `total` examples; None looks again."""

    def __call__(self, candidate: EvalResult, baseline: EvalResult, *, total: int) -> V | None:
        """Return what is decided; with all examples, something is."""


@dataclass(frozen=True)
class Stopped(Generic[V]):
    """What was decided, and the results on the examples that it needed."""

    verdict: V
    candidate: EvalResult
    baseline: EvalResult


def in_blocks(
    options: RunOptions, pair: tuple[Checkpoint, Checkpoint], look: Look[V], progress: Progress
) -> Stopped[V]:
    """Show a candidate and its baseline blocks of examples until a look decides.

    Raises:
        ConfigError: the suite chooses, times or trains on whole splits.
    """
    suite, runtime = suite_of(options), runtime_of(options)
    if not suite.by_blocks:
        msg = f"`sequential`: suite must judge each image by itself; got {suite.kind}"
        remedy = "which chooses, times or trains on whole splits"
        raise ConfigError(f"{msg}, {remedy}.", "sequential")
    if runtime.precision == "auto":
        runtime = replace(runtime, precision="fp32")
    order = order_names(pair[0].id, pair[1].id, suite.name)
    with runtime.engine:
        blocks = evaluation.evaluate_blocks(
            pair,
            suite,
            options.data,
            evaluation.Blocks(BLOCK, order),
            seed=options.seed or 0,
            runtime=runtime,
        )
        return until_decided(look, blocks, progress)


def until_decided(
    look: Look[V], blocks: Iterable[Block], progress: Callable[[int, int], None]
) -> Stopped[V]:
    """Look after every block and stop as soon as something is decided.

    Nothing is remembered between runs but the outcomes themselves: a run that was killed sees
    the same examples in the same order, and stops where it would have.

    Args:
        look: at all examples so far.
        blocks: of (candidate, baseline), in the order that both weights key; one or more.
        progress: is called with (examples shown, in all).
    """
    parts: list[Sequence[EvalResult]] = []
    for block in blocks:
        parts.append(block.results)
        total, shown = len(block.whole), len(block.shown)
        progress(shown, total)
        ours, theirs = (_joined(side, block.shown) for side in zip(*parts, strict=True))
        verdict = look(ours, theirs, total=total)
        if verdict is not None:
            data = (block.shown if shown < total else block.whole).id
            return Stopped(verdict, *(_marked(side, data, total) for side in (ours, theirs)))
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
    warning = f"stopped after {data.n:,} of {total:,} examples: only limits that are valid at any"
    details = {**result.details, "stopped_early": {"shown": data.n, "of": total}}
    warnings = (*result.warnings, f"{warning} stop hold")
    return replace(result, data=data, warnings=warnings, details=details)
