"""Every study gives the same bytes on every engine, also where a worker is killed in the middle.

An engine is a row of `ENGINES`. Its outcomes, which hold the weights of what was trained, and its
cells are compared with those of this process.
"""

import os
import signal
from dataclasses import dataclass, replace
from functools import cache

import psutil
import pytest
import torch

from acn_eval.cache import OutcomeCache
from acn_eval.cells import encoded
from acn_eval.checkpoints import load
from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.local import LOCAL
from acn_eval.engine.start import engine_of
from acn_eval.evaluation import ask
from acn_eval.inference import Runtime
from acn_eval.studies.read import read_suite
from acn_eval.studies.table import studies, study
from acn_eval.study.request import DataSelection
from acn_eval.study.run import run
from tests.contracts.test_studies import JOBS
from tests.studies.continual.plans import suite as continual
from tests.studies.dynamics.plans import suite as dynamics
from tests.studies.dynamics.plans import text_suite
from tests.studies.low_data.plans import suite as low_data
from tests.training.texts import classes, scored, trained, write_scored

CPU = torch.device("cpu")
DIGITS = DataSelection(limit=60)
SENTENCES = DataSelection(limit=48)
METHODS = [{"kind": "magnitude"}, {"kind": "gradual", "steps": 4}]


def kill_one(engine):
    """Kill a worker that is at work; return how many that were."""
    for worker in [own for own in engine._crew._workers if own.jobs][:1]:
        os.kill(worker._process.pid, signal.SIGKILL)
        return 1
    return 0


def kill_one_of_ray(engine):
    """The same on Ray, while a task is not done."""
    for worker in psutil.Process().children(recursive=True) if engine._session.sent else ():
        if worker.name() in {"ray::answers", "ray::IDLE"}:
            worker.kill()
            return 1
    return 0


@dataclass(frozen=True)
class Case:
    """An engine, and what kills one of its workers in the middle, if one is to be killed."""

    engine: str
    workers: int
    kill: object = None


ENGINES = {
    "processes_1": Case("processes", 1),
    "processes_2": Case("processes", 2),
    "processes_2_killed": Case("processes", 2, kill_one),
    "ray_1": Case("ray", 1),
    "ray_2": Case("ray", 2),
    "ray_4": Case("ray", 4),
    "ray_2_killed": Case("ray", 2, kill_one_of_ray),
}


def shipped(name, **changes):
    return read_suite(name).model_copy(update=changes)


def small(kind):
    """The suite of the small job of a study."""
    fields, arguments = JOBS[kind]
    classes = ("5-9",) if "--classes" in arguments else ()
    chosen = DataSelection(data="digits" * bool(classes), classes=classes, limit=60)
    suite = study(kind).suite.model_validate(fields)
    return suite, "images" if "--ckpt" in arguments else "", chosen


TEXT = {"seconds": 1e-6, "sparsities": (0.0, 0.5)}
QUESTIONS = {
    "robustness": lambda: small("robustness"),
    "robustness of text": lambda: (shipped("robustness"), "text", SENTENCES),
    "robustness of numbers": lambda: (shipped("robustness"), "numbers", SENTENCES),
    "compression": lambda: small("compression"),
    "transfer": lambda: small("transfer"),
    "pruning": lambda: small("pruning"),
    "pruning with training": lambda: (
        study("pruning").suite(name="trained", methods=METHODS, **TEXT),
        "images",
        DIGITS,
    ),
    "low data, together": lambda: (low_data(), "", DIGITS),
    "low data, alone": lambda: (low_data(training="alone"), "", DIGITS),
    "low data, probed": lambda: (
        shipped("low_data_probe", draws=2, per_class=(2, 4)),
        "text",
        SENTENCES,
    ),
    "low data, fine-tuned": lambda: (
        shipped("low_data_fine_tune", draws=2, per_class=(2,), steps=2, batch=2),
        "text",
        SENTENCES,
    ),
    "continual": lambda: (continual(seeds=3), "", DIGITS),
    "dynamics, trained": lambda: (dynamics(), "", DIGITS),
    "dynamics of text": lambda: (text_suite(), "", SENTENCES),
    "dynamics, finished": lambda: (dynamics(), "images", DIGITS),
}


def test_every_study_is_asked():
    assert {own()[0].kind for own in QUESTIONS.values()} >= studies().keys() - {"rotation"}


@pytest.fixture(scope="module")
def networks(tiny, tmp_path_factory):
    """A pair by what it reads, trained when it is asked for, and the folder of its data."""
    root = tmp_path_factory.mktemp("data")
    write_scored(root)
    recipes = {
        "text": lambda name: classes(arch={"connectivity": name, "depth": 2}),
        "numbers": lambda name: scored(steps=20, arch={"connectivity": name}),
    }

    @cache
    def pair(reads):
        if reads not in recipes:
            return [str(tiny / name) for name in ("tiny_ac.pt", "tiny_res.pt") if reads]
        files = [root / f"{reads}_{name}.pt" for name in ("acn", "residual")]
        for name, file in zip(("acn", "residual"), files, strict=True):
            trained(recipes[reads](name), file, root=root if reads == "numbers" else None)
        return [str(file) for file in files]

    return pair, root


@dataclass(frozen=True)
class Found:
    """What a study found: outcomes of its units, and keys, cells and warnings of its results."""

    outcomes: list
    cells: list
    warnings: list


@pytest.fixture(scope="module")
def find(networks):
    """Ask a study by its name, with an engine and a new store."""
    pair, root = networks

    def found(question, folder, engine, progress=lambda done, total: None):
        suite, reads, chosen = QUESTIONS[question]()
        chosen = replace(chosen, root=root if reads == "numbers" else None)
        runtime = Runtime(CPU, 32, "fp32", OutcomeCache(folder), 1, engine)
        loaded = [load(name) for name in pair(reads)]
        own = ask(loaded, suite, chosen, seed=0, runtime=runtime)
        results = run(own, runtime, progress)
        outcomes = [(unit.address, runtime.store.read(unit.address)) for unit in own.units()]
        assert all(content for _, content in outcomes)
        cells = [(result.key, encoded(result.cells)) for result in results]
        return Found(outcomes, cells, [result.warnings for result in results])

    return found


@pytest.fixture(scope="module")
def here(find, tmp_path_factory):
    """What this process finds, which is asked once."""
    return cache(lambda question: find(question, tmp_path_factory.mktemp("here"), LOCAL))


@pytest.fixture(scope="module", params=ENGINES)
def case(request):
    own = ENGINES[request.param]
    with engine_of(EngineChoice(own.engine, own.workers), CPU) as engine:
        yield own, engine


def test_workers_give_the_bytes_of_this_process(find, here, tmp_path):
    with engine_of(EngineChoice("processes", 2), CPU) as engine:
        assert find("robustness", tmp_path, engine) == here("robustness")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_same_bytes(case, question, find, here, tmp_path):
    own, engine = case
    killed = []

    def progress(done, total):
        if own.kill and done and sum(killed) == 0:
            killed.append(own.kill(engine))

    found, expected = find(question, tmp_path, engine, progress), here(question)
    assert found.cells == expected.cells
    assert found == expected
    assert sum(killed) == bool(own.kill)
