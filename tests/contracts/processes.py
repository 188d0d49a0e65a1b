"""Units of a study in other processes, which a server forks with torch imported."""

import os
import pickle
import signal
from multiprocessing import get_context

from acn_eval.cache import OutcomeCache
from acn_eval.checkpoints import load
from acn_eval.evaluation import DataSelection
from acn_eval.inference import Runtime, resolve_device
from acn_eval.studies.read import read_suite
from acn_eval.studies.table import study
from acn_eval.study.request import Request
from acn_eval.study.run import measured

SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(["acn_eval.study.run", "acn_eval.models", "acn_eval.cli.main"])


def asked(suite, names, cache, **selection):
    """Return the study of a suite about checkpoints, if it is about any."""
    suite, loaded = read_suite(suite), [load(name) for name in names]
    runtime = Runtime(resolve_device("cpu"), store=OutcomeCache(cache))
    return study(suite.kind).run.STUDY(Request(suite, loaded, DataSelection(**selection), runtime))


def killed(*arguments, **selection):
    """Run a study in a process that is killed in the middle."""
    assert in_process(_until_killed, arguments, selection) == -signal.SIGKILL


def _until_killed(arguments, selection):
    own = asked(*arguments, **selection)
    units, kept = own.units(), own.request.runtime.store

    def progress(done, total):
        if 2 * sum(kept.read(unit.address) is not None for unit in units) >= len(units):
            os.kill(os.getpid(), signal.SIGKILL)

    measured(units, own.request.runtime, progress)


def elsewhere(units, cache):
    """Measure units in another process, which knows nothing but their pickles, into a cache."""
    assert in_process(_from_pickles, pickle.dumps(units), cache) == 0


def _from_pickles(pickled, cache):
    runtime = Runtime(resolve_device("cpu"), store=OutcomeCache(cache))
    measured(pickle.loads(pickled), runtime)


def in_process(job, *arguments):
    """Return the exit code of a process that does a job in the working directory."""
    process = SERVER.Process(target=job, args=arguments)
    process.start()
    process.join()
    return process.exitcode
