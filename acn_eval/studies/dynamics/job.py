"""What `acn-eval dynamics` does: trains and watches networks, or looks at finished ones."""

from dataclasses import replace
from typing import cast

from acn_eval import workflow
from acn_eval.checkpoints import load
from acn_eval.data import Split
from acn_eval.errors import ConfigError
from acn_eval.evaluation import choose
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.studies.dynamics.run import Study, finished, open_study, trainings
from acn_eval.studies.dynamics.suite import Dynamics
from acn_eval.terminal.measuring import conclude
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.tracking import Recorder
from acn_eval.workflow import Group

__all__ = ["run"]

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def run(options: RunOptions, output: Output, recorder: Recorder | None) -> None:
    """Watch or look, keep, record, and say it; networks are not compared with each other."""
    suite = cast(Dynamics, workflow.with_suite(options, "dynamics").suite)
    results = _looks(options, suite) if options.candidates else _trainings(options, suite)
    conclude([Group(results, [])], options, output, recorder)


def _trainings(options: RunOptions, suite: Dynamics) -> list[EvalResult]:
    data = options.data
    if data.data:
        msg = "`data`: needs `candidates`; the recipe of the suite names its data"
        raise ConfigError(msg, "data", "candidates")
    runtime = workflow.runtime_of(options)
    study = open_study(suite, runtime, root=data.root, limit=data.limit)
    with bar("training", "steps") as progress:
        return trainings(study, progress)


def _looks(options: RunOptions, suite: Dynamics) -> list[EvalResult]:
    """Look at each checkpoint with the data that its card names, or that was chosen."""
    runtime, limit = workflow.runtime_of(options), options.data.limit
    selection = replace(options.data, limit=None)
    results = []
    for checkpoint in (load(uri, options.arch) for uri in options.candidates):
        splits = {name: choose([checkpoint], selection, name) for name in _SPLITS}
        for own in splits.values():
            own.labelled_as(splits["test"])
        study = Study(suite, {**splits, "test": splits["test"].keyed(limit)}, runtime)
        results.append(finished(study, checkpoint))
    return results
