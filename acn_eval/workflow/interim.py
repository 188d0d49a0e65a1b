"""Compares two checkpoints on as few examples as decide it, and keeps what was measured."""

from functools import partial

from acn_eval.checkpoints import Checkpoint
from acn_eval.errors import ConfigError
from acn_eval.run_options import RunOptions
from acn_eval.statistics.interim import Interim
from acn_eval.statistics.soundness import same_network
from acn_eval.studies.compare import look, require_accuracy
from acn_eval.tally import Progress, quietly
from acn_eval.workflow.blocks import Stopped, in_blocks
from acn_eval.workflow.running import Done, Group, save
from acn_eval.workflow.sides import resolve

__all__ = ["compare_in_blocks", "save_stopped"]


def compare_in_blocks(options: RunOptions, progress: Progress = quietly) -> Stopped[Interim]:
    """Show both sides 256 examples at a time, and stop as soon as there is a verdict.

    Args:
        options: one candidate and one baseline; `limit` is the number of examples at the end.
        progress: called with (examples shown, in all).

    Raises:
        AcnEvalError: of `resolve`, of the data, or of the measurement.
        ConfigError: not one network against another, in accuracy, on a suite without choices.
    """
    if options.metric:
        require_accuracy(options.metric)
    look_at = partial(look, metric=options.metric)
    return in_blocks(options, _pair(options), look_at, progress)


def save_stopped(stopped: Stopped[Interim], options: RunOptions) -> Done:
    """Write both results, with figures where they are complete: those assume a fixed n."""
    found, sides = stopped.verdict, (stopped.candidate, stopped.baseline)
    if found.shown == found.total:
        return save([Group([sides[0]], [sides[1]])], options.out)
    return Done([Group([sides[0]], [sides[1]])], {r.key: r.save(options.out) for r in sides})


def _pair(options: RunOptions) -> tuple[Checkpoint, Checkpoint]:
    sides = resolve(options)
    files = len(sides.candidates), len(sides.baselines)
    if files != (1, 1):
        msg = f"`sequential`: must be about one candidate and one baseline; got {files[0]} and"
        raise ConfigError(f"{msg} {files[1]}. Leave out `sequential`.", "sequential")
    (ours,), (theirs,) = sides.candidates, sides.baselines
    if same_network(ours.id, theirs.id):
        msg = f"`sequential`: must be about two networks; got {ours.id.name} twice"
        raise ConfigError(f"{msg} (same sha256).", "sequential")
    return ours, theirs
