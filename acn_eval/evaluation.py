"""From uris and a suite to results, which `statistics.compare` turns into a comparison."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from acn_eval.checkpoints import Checkpoint, load
from acn_eval.data import Examples
from acn_eval.errors import ConfigError
from acn_eval.inference import Runtime
from acn_eval.results import EvalResult
from acn_eval.run_options import DataSelection
from acn_eval.seeds import keyed_order
from acn_eval.studies.read import read_suite
from acn_eval.studies.table import study
from acn_eval.study.request import Request, choose
from acn_eval.study.run import Study, run
from acn_eval.study.suite import Suite
from acn_eval.tally import Progress, quietly

__all__ = ["Block", "Blocks", "DataSelection", "ask", "choose", "evaluate", "evaluate_blocks"]


@dataclass(frozen=True)
class Blocks:
    """The size of blocks of examples, and names that key their order."""

    size: int
    order: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """Results on some of the examples.

    Attributes:
        results: one per checkpoint, on the examples of this block.
        shown: all examples so far, these included.
        whole: all examples of the run, in the usual order.
    """

    results: list[EvalResult]
    shown: Examples
    whole: Examples


def evaluate(
    checkpoints: Sequence[str | Checkpoint],
    suite: str | Suite = "robustness",
    selection: DataSelection | None = None,
    *,
    seed: int = 0,
    runtime: Runtime | None = None,
    progress: Progress = quietly,
) -> list[EvalResult]:
    """Measure checkpoints on a suite, all in one pass over the same examples.

    Args:
        checkpoints: uris or loaded checkpoints (see `checkpoints.from_module`); none for a suite
            that trains its own networks.
        suite: name of a shipped suite, path of a YAML, or a suite.
        selection: which examples; by default the test split of what the cards name.
        seed: of the noise.
        runtime: device, batch size, precision, the store of finished outcomes, and the engine.
        progress: called with (work done, in all).

    Returns:
        One result per checkpoint, in their order.
    """
    runtime = runtime or Runtime(torch.device("cpu"))
    asked = ask(checkpoints, suite, selection or DataSelection(), seed=seed, runtime=runtime)
    return run(asked, runtime, progress)


def ask(
    checkpoints: Sequence[str | Checkpoint],
    suite: str | Suite,
    selection: DataSelection,
    *,
    seed: int,
    runtime: Runtime,
) -> Study[Suite]:
    """Return the study that `evaluate` runs; nothing is measured yet."""
    return _study(_request(checkpoints, suite, selection, seed, runtime))


def evaluate_blocks(
    checkpoints: Sequence[str | Checkpoint],
    suite: str | Suite,
    selection: DataSelection,
    blocks: Blocks,
    *,
    seed: int = 0,
    runtime: Runtime | None = None,
) -> Iterator[Block]:
    """Yield the results of `evaluate` block by block: no example depends on its block."""
    request = _request(checkpoints, suite, selection, seed, runtime)
    whole = request.whole
    order = keyed_order(whole.ids, *blocks.order)
    for start in range(0, len(whole), blocks.size):
        end = start + blocks.size
        own = replace(request, block=whole.at(order[start:end]), opened=whole)
        yield Block(run(_study(own), own.runtime), whole.at(order[:end]), whole)


def _study(request: Request[Suite]) -> Study[Suite]:
    asked: Study[Suite] = study(request.suite.kind).run.STUDY(request)
    return asked


def _request(
    checkpoints: Sequence[str | Checkpoint],
    suite: str | Suite,
    selection: DataSelection,
    seed: int,
    runtime: Runtime | None,
) -> Request[Suite]:
    runtime = runtime or Runtime(torch.device("cpu"))
    suite = read_suite(suite) if isinstance(suite, str) else suite
    if checkpoints and suite.checkpoints == "none":
        msg = f"`candidates`: must be left out; {suite.name} trains networks of its own"
        raise ConfigError(msg, "candidates")
    if not checkpoints and suite.checkpoints == "required":
        msg = f"`candidates`: must name a checkpoint; {suite.name} trains none"
        raise ConfigError(msg, "candidates")
    loaded = [load(c) if isinstance(c, str) else c for c in checkpoints]
    if loaded:
        suite = suite.shown_as(loaded[0].prepare.spec.modality)
    if loaded and selection.class_order and all(c.named for c in loaded):
        names = ", ".join(c.id.name for c in loaded)
        what = "`class_order`: must be about a network that does not name its classes"
        msg = f"{what}; got {names}, matched by name or `class_names`"
        raise ConfigError(msg, "class_order", "class_names")
    for checkpoint in loaded:
        checkpoint.model.to(runtime.device)
    return Request(suite, loaded, selection, runtime, seed)
