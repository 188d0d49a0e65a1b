"""What `acn-eval dynamics` does: observes trainings, or finished checkpoints."""

from typing import cast

from acn_eval import workflow
from acn_eval.checkpoints import load
from acn_eval.errors import ConfigError
from acn_eval.run_options import RunOptions
from acn_eval.studies.dynamics.run import STUDY
from acn_eval.studies.dynamics.suite import Dynamics
from acn_eval.study.request import Request
from acn_eval.study.run import run as measure
from acn_eval.terminal.measuring import conclude
from acn_eval.terminal.options import Output
from acn_eval.terminal.progress import bar
from acn_eval.tracking import Recorder
from acn_eval.workflow import Group

__all__ = ["run"]


def run(options: RunOptions, output: Output, recorder: Recorder | None) -> None:
    """Observe, keep, record, and say it; networks are not compared with each other."""
    request = _request(options)
    study = STUDY(request)
    with bar("observing", study.work) as progress:
        results = measure(study, request.runtime, progress)
    conclude([Group(results, [])], options, output, recorder)


def _request(options: RunOptions) -> Request[Dynamics]:
    suite = cast(Dynamics, workflow.with_suite(options, "dynamics").suite)
    if options.data.data and not options.candidates:
        msg = "`data`: needs `candidates`; the recipe of the suite names its data"
        raise ConfigError(msg, "data", "candidates")
    runtime = workflow.runtime_of(options)
    checkpoints = [load(uri, options.arch) for uri in options.candidates]
    for checkpoint in checkpoints:
        checkpoint.model.to(runtime.device)
    return Request(suite, checkpoints, options.data, runtime)
