"""The cost of a suite, extrapolated from a few examples."""

import time
from dataclasses import dataclass, replace

from acn_eval import evaluation
from acn_eval.checkpoints import load
from acn_eval.run_options import RunOptions
from acn_eval.workflow.running import runtime_of, suite_of

__all__ = ["Price", "count_examples", "price"]

_TIMED = 256


@dataclass(frozen=True)
class Price:
    """Cost of one example and one checkpoint, under all conditions of a suite.

    Attributes:
        forwards: forward passes.
        flops: floating-point operations.
        seconds: wall time on this machine.
        timed: number of examples that were timed.
    """

    forwards: float
    flops: float
    seconds: float
    timed: int


def price(options: RunOptions) -> Price:
    """Run a few examples twice, and scale the cost of the second, warm run.

    Raises:
        AcnEvalError: the candidate, the suite or the data cannot be read or measured.
    """
    checkpoint = load(options.candidates[0], options.arch)
    runtime = runtime_of(replace(options, cache=False))
    selection = replace(options.data, limit=min(_TIMED, options.data.limit or _TIMED))
    forwards = [0]

    def count(done: int, total: int) -> None:
        forwards.append(total)

    for _ in range(2):
        start = time.perf_counter()
        (result,) = evaluation.evaluate(
            [checkpoint], suite_of(options), selection, runtime=runtime, progress=count
        )
        seconds = time.perf_counter() - start
    timed = result.data.n
    each = max(forwards) / timed
    return Price(each, each * checkpoint.id.flops, seconds / timed, timed)


def count_examples(options: RunOptions) -> int:
    """Return the number of examples that a run with these options would show.

    Raises:
        AcnEvalError: no data is named, or they are not there.
    """
    checkpoints = [load(uri, options.arch) for uri in options.candidates]
    return len(evaluation.choose(checkpoints, options.data))
