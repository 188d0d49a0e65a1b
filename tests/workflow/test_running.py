"""The main job without the command line: in a thread, with typed options."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import yaml

from acn_eval import DataSelection, RunOptions, workflow
from acn_eval.errors import AcnEvalError
from acn_eval.results import EvalResult
from acn_eval.stores import resolve_store
from acn_eval.tracking import preparing
from tests.studies.dynamics.plans import suite as dynamics
from tests.studies.low_data.plans import suite as low_data

OPTIONS = RunOptions(
    candidates=("tiny_ac.pt",),
    baselines=("tiny_res.pt",),
    suite="small.yaml",
    data=DataSelection("digits", limit=40),
    precision="fp32",
)


@pytest.fixture
def in_a_thread(folder):
    """Call a function in another thread, as a server or a notebook's widget does."""

    def call(function, *arguments):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(function, *arguments).result()

    return call


def test_the_main_job_runs_in_a_thread_and_says_what_the_command_says(folder, in_a_thread, call):
    before = dict(os.environ)
    done = in_a_thread(workflow.run, replace(OPTIONS, track=False))
    assert dict(os.environ) == before
    (comparison,) = done.comparisons
    assert {path.parent for path in done.folders.values()} == {OPTIONS.out}
    assert [EvalResult.load(done.folders[r.key]).key for r in done.results] == [
        r.key for r in done.results
    ]
    line = "--ckpt tiny_ac.pt --baseline tiny_res.pt --suite small.yaml --data digits --limit 40"
    more = "--precision fp32 --no-track --json all.json"
    assert call("robustness", *line.split(), *more.split())[0] == 0
    assert json.loads((folder / "all.json").read_text())["comparison"] == json.loads(
        json.dumps(comparison.to_dict())
    )


def test_a_store_is_opened_beside_the_run_of_a_thread(folder, in_a_thread):
    def recorded():
        with preparing(resolve_store(None, cwd=folder)) as recorder:
            done = workflow.save(map(workflow.compare, workflow.evaluate(OPTIONS)), OPTIONS.out)
            return done, workflow.record(done, OPTIONS, recorder)

    done, found = in_a_thread(recorded)
    assert found.runs.keys() == done.folders.keys()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"candidates": ()}, "`candidates`"),
        ({"candidates": ("nosuch.pt",)}, "nosuch.pt"),
        ({"device": "tpu"}, "`device`"),
        ({"suite": "nosuch"}, "nosuch"),
        ({"changes": {"repeat": 2}}, "repeat"),
        ({"data": DataSelection("digits", classes=("0-99",))}, "`classes`"),
        ({"data": DataSelection("digits", class_names={"ten": "0"})}, "`class_names`"),
        ({"data": DataSelection("digits", class_order="name")}, "`class_order`"),
        ({"data": DataSelection("cifar10")}, "`root`"),
    ],
    ids=str,
)
def test_errors_name_arguments_and_no_options(in_a_thread, changes, named):
    with pytest.raises(AcnEvalError) as caught:
        in_a_thread(workflow.run, replace(OPTIONS, track=False, **changes))
    assert named in str(caught.value)
    assert not re.search(r"(^|\s)--\w", str(caught.value))


def test_changes_are_checked_like_the_fields_of_a_yaml(folder):
    assert workflow.suite_of(replace(OPTIONS, changes={"repeats": 3})).repeats == 3
    with pytest.raises(AcnEvalError, match="repeats"):
        workflow.suite_of(replace(OPTIONS, changes={"repeats": 0}))


def test_without_baselines_there_is_no_comparison(folder):
    groups = workflow.evaluate(replace(OPTIONS, baselines=()))
    assert [workflow.compare(group).comparison for group in groups] == [None]


def test_a_suite_of_trainings_is_grouped_and_saved_as_its_command_does(folder):
    options = RunOptions(suite=low_data(draws=2), device="cpu", precision="fp32")
    (group,) = workflow.evaluate(options)
    assert [r.checkpoint.name for r in group.candidates] == ["acn draw 0", "acn draw 1"]
    assert [r.checkpoint.name for r in group.baselines] == ["res draw 0", "res draw 1"]
    done = workflow.save([group], folder / "kept")
    for result in group.results:
        kept = json.loads((done.folders[result.key] / "subsets.json").read_text())
        assert [len(subset["ids"]) for subset in kept["subsets"]] == [20, 40]
        assert kept["subsets"][0]["draw"] == result.details["draw"]


def test_networks_of_dynamics_are_not_compared(folder):
    options = RunOptions(suite=dynamics(), device="cpu", precision="fp32")
    (group,) = workflow.evaluate(options)
    assert [r.checkpoint.name for r in group.candidates] == ["acn", "residual"]
    assert group.baselines == []


def test_a_checkpoint_gives_the_cost(folder, call):
    gate = {"kind": "gate", "name": "toy", "suite": "small.yaml", "margins": {"primary": 0.05}}
    (folder / "gate.yaml").write_text(yaml.safe_dump(gate))
    job = ("plan", "--suite", "gate.yaml", "--ckpt", "tiny_ac.pt", "--device", "cpu")
    code, out, _ = call(*job)
    assert code == 0
    assert "n = 352" in out
    forwards = 2 * 352 * 5  # both sides, five conditions
    assert f"Cost of both sides: {forwards:,} forward passes" in out
    assert re.search(r"about \d+ s here \(extrapolated from 256 examples\)", out)
