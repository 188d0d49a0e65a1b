"""What `acn-eval dynamics` does: trains and watches networks, or looks at finished ones."""

from collections.abc import Mapping
from typing import Any, cast

from acn_eval.checkpoints import load
from acn_eval.data import Split
from acn_eval.errors import ConfigError
from acn_eval.evaluation import DataSelection, choose
from acn_eval.results import EvalResult
from acn_eval.studies.dynamics.run import Study, finished, open_study, trainings
from acn_eval.studies.dynamics.suite import Dynamics
from acn_eval.studies.read import read_suite
from acn_eval.terminal.job import finish, runtime_of
from acn_eval.terminal.progress import bar
from acn_eval.tracking import Recorder

__all__ = ["run"]

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def run(options: Mapping[str, Any], recorder: Recorder | None) -> None:
    """Watch or look, keep, record, and say it; networks are not compared with each other."""
    suite = cast(Dynamics, read_suite(options["suite"], "dynamics"))
    results = _looks(options, suite) if options["ckpt"] else _trainings(options, suite)
    finish({**options, "no_baseline": True}, results, len(results), recorder)


def _trainings(options: Mapping[str, Any], suite: Dynamics) -> list[EvalResult]:
    if options["data"]:
        raise ConfigError("--data: needs --ckpt; the recipe of the suite names its data")
    runtime = runtime_of({**options, "batch_size": 256, "precision": "fp32"})
    study = open_study(suite, runtime, root=options["data_root"], limit=options["limit"])
    with bar("training", "steps") as progress:
        return trainings(study, progress)


def _looks(options: Mapping[str, Any], suite: Dynamics) -> list[EvalResult]:
    """Look at each checkpoint with the data that its card names, or that was chosen."""
    runtime = runtime_of({**options, "batch_size": 256, "precision": "fp32"})
    results = []
    for checkpoint in (load(uri, options["arch"]) for uri in options["ckpt"]):
        selection = DataSelection(data=options["data"], root=options["data_root"])
        splits = {name: choose([checkpoint], selection, name) for name in _SPLITS}
        for own in splits.values():
            own.labelled_as(splits["test"])
        study = Study(suite, {**splits, "test": splits["test"].keyed(options["limit"])}, runtime)
        results.append(finished(study, checkpoint))
    return results
