"""Pages and descriptions: every study finds its end point and its step there."""

import numpy as np
import pytest

from acn_eval.stores import TrackingStore
from acn_eval.studies.compare import compare
from acn_eval.studies.read import read_suite
from acn_eval.studies.table import analysis_of
from acn_eval.study.suite import shipped_suites
from acn_eval.tracking.comparisons import comparison_run
from acn_eval.tracking.result_run import arm_run
from acn_eval.tracking.views import pages
from acn_eval.tracking.writer import Writer
from tests.statistics.results import CLEAN, cell, result, simple


def run_of(kind, **fields):
    cells = [
        cell({**CLEAN, **dict(zip(fields, values, strict=True))}, np.ones(4), primary=True)
        for values in zip(*fields.values(), strict=True)
    ]
    return result("acn", cells, suite={"kind": kind, "name": f"my-{kind}"})


RUNS = {
    "compression": (run_of("compression", exit=(0, 1)), "blocks executed"),
    "pruning": (
        run_of("pruning", method=("magnitude",) * 2, sparsity=(0.0, 0.4)),
        "1000 x the share of weights removed",
    ),
    "continual": (run_of("continual", tasks=(1, 2)), "tasks learned"),
    "low_data": (run_of("low_data", per_class=(5, 10)), "training examples per class"),
    "robustness": (
        simple("acn", *np.ones((3, 4))),
        "1000 x the level; step 0 is the clean examples",
    ),
}


def test_every_shipped_suite_has_a_column_of_its_end_point():
    columns = pages()["checkpoints"].columns
    for name in shipped_suites():
        suite = read_suite(name)
        config = suite.model_dump(mode="json")
        words = analysis_of(config).endpoint_of(config)
        key = words.name.replace(" ", "/", 1).replace(" ", "_")
        assert f"metrics.`{key}`" in columns, (name, key)


@pytest.mark.parametrize("kind", RUNS)
def test_the_end_point_is_logged_under_the_name_of_its_column(kind):
    *_, end_point = arm_run(RUNS[kind][0]).points
    assert f"metrics.`{end_point.key}`" in pages()["checkpoints"].columns


class Client:
    """Keeps the description that an experiment is made with."""

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name, artifact_location, tags):
        self.note = tags["mlflow.note.content"]
        return "1"


@pytest.mark.parametrize("kind", RUNS)
def test_an_experiment_says_what_its_step_is(kind):
    one, step = RUNS[kind]
    assert arm_run(one).step == step
    if kind == "robustness":
        comparison = compare([one], [simple("res", *np.ones((3, 4)))])
        assert comparison_run(comparison, {}, "1").step == step
    client = Client()
    Writer(client, TrackingStore("http://lab:5000")).experiment(f"my-{kind}", arm_run(one).step)
    assert f"the step is\n  {step}. " in client.note
