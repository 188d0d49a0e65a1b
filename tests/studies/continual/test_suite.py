"""The continual suite as a YAML: what it takes, and what it refuses in one line."""

import pytest
import yaml

from acn_eval.errors import ConfigError
from acn_eval.evaluation import evaluate
from acn_eval.results import connectivity_of
from acn_eval.studies.continual.methods import (
    EWC,
    SI,
    Joint,
    Naive,
    Replay,
)
from acn_eval.studies.continual.plan import ContinualPlan
from acn_eval.studies.continual.suite import Continual
from acn_eval.studies.read import read_suite
from acn_eval.study.suite import shipped_suites
from tests.studies.continual.plans import ARCH
from tests.studies.continual.plans import suite as tiny

FIELDS = {
    "kind": "continual",
    "name": "mine",
    "data": "digits",
    "tasks": 5,
    "steps": 4,
    "arch": ARCH,
    "depths": [2],
    "methods": ["naive"],
}
SHIPPED = [
    name
    for name, path in shipped_suites().items()
    if yaml.safe_load(path.read_text()).get("kind") == "continual"
]


def read(folder, **changes):
    fields = {k: v for k, v in {**FIELDS, **changes}.items() if v is not None}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(fields))
    return read_suite(str(path))


def test_the_papers_protocol_and_smaller_ones_are_shipped():
    assert {"continual", "split-cifar100-acn", "split-digits"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_suites_read_and_build(name):
    suite = read_suite(name)
    assert isinstance(suite, Continual)
    assert suite.name == name
    assert suite.description
    assert suite.connectivities == ("acn", "residual")
    for connectivity in suite.connectivities:
        for depth in suite.depths:
            arch = suite.arch_of(connectivity, depth, 10)
            wired = connectivity_of(arch.model_dump())
            assert (wired, arch.depth, arch.classes) == (connectivity, depth, 10)


def test_the_papers_protocol():
    """What section 4.6 states; the rest is chosen in the YAML, and said there."""
    suite = read_suite("split-cifar100-acn")
    assert (suite.data, suite.tasks, suite.epochs, suite.batch) == ("cifar100", 20, 10, 64)
    assert (suite.learning_rate, suite.depths, suite.logits) == (1e-3, (5, 10, 15), "task")
    assert SI(c=1) in suite.methods
    assert Naive() in suite.methods
    assert suite.steps_of(5 * 450) == round(10 * 2250 / 64)
    assert (suite.arch.kind, suite.arch.pool) == ("official_mixer", "cls")
    hour = read_suite("split-cifar100-hour")
    assert (hour.arch.kind, hour.arch.pool, 2 * hour.arch.width) == ("official_mixer", "cls", 128)


def test_a_name_alone_takes_what_is_usual(tmp_path):
    names = ["naive", "joint", "replay", "si", "ewc"]
    ways = (Naive(), Joint(), Replay(), SI(), EWC())
    assert read(tmp_path, methods=names).methods == ways
    assert read(tmp_path, methods=[{"method": name} for name in names]).methods == ways


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 2}, "given as epochs or as steps, one of the two"),
        ({"steps": None}, "given as epochs or as steps, one of the two"),
        ({"methods": ["si", {"method": "si", "c": 1.0}]}, "methods must differ; got si zenke c=1"),
        ({"methods": []}, "methods"),
        ({"methods": ["gem"]}, "methods"),
        ({"methods": [{"method": "si", "c": -1}]}, "methods"),
        ({"methods": [{"method": "ewc", "c": 1}]}, "methods"),
        ({"augment": {"cutmix": 0.5}}, "cutmix must be 0: it mixes classes; got 0.5"),
        ({"arch": {**ARCH, "depth": 4, "branches": [1]}}, "arch.branches must be empty"),
        ({"connectivities": ["acn", "dense"]}, "connectivities"),
        ({"connectivities": ["acn", "acn"]}, "connectivities must differ; got acn, acn"),
        ({"arch": {**ARCH, "kind": "official_mixer", "connectivity": "highway"}}, "connectivity"),
        ({"depths": [2, 2]}, "depths must differ; got 2, 2"),
        ({"depths": [0]}, "depths"),
        ({"tasks": 1}, "tasks"),
        ({"seeds": 0}, "seeds"),
        ({"logits": "all"}, "logits"),
        ({"optimizer": "keep"}, "optimizer"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, changes, message):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tasks_that_do_not_divide_the_classes_are_refused_with_the_data():
    with pytest.raises(ConfigError, match="tasks: must divide the number of classes, 10; got 3"):
        _ = ContinualPlan(tiny(tasks=3)).train
    three = tiny(tasks=3, classes=("3", "7", "1"))
    assert ContinualPlan(three).train.classes == ("3", "7", "1")


def test_the_protocol_is_what_all_trainings_of_a_plan_share():
    one = tiny()
    other = tiny(
        arch={**ARCH, "width": 4},
        connectivities=("ffn", "acn"),
        depths=(1, 3),
        methods=("si", "joint"),
        seeds=3,
        first_seed=9,
    )
    assert one.protocol == other.protocol
    given = set(Continual.model_fields) - {"equivalence_margins"}  # left out where there are none
    assert set(one.protocol) == given - Continual.plan_fields
    for changed in ({"batch": 9}, {"logits": "seen"}, {"clip": 1.0}, {"tasks": 2}):
        assert tiny(**changed).protocol != one.protocol


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({"steps": 7}, 7),
        ({"steps": None, "epochs": 1.0}, 12),
        ({"steps": None, "epochs": 2.5}, 31),
        ({"steps": None, "epochs": 0.001}, 1),
    ],
)
def test_steps_of_a_task_of_a_hundred_images(fields, steps):
    assert tiny(**fields).steps_of(100) == steps


def test_it_is_not_asked_of_checkpoints():
    with pytest.raises(ConfigError, match="must be left out; tiny trains networks of its own"):
        evaluate(["ac_vit.pt"], tiny())


def test_two_names_of_one_network_are_no_pair(tmp_path):
    arch, both = {**ARCH, "kind": "official_mixer"}, ["residual", "ffn"]
    with pytest.raises(ConfigError, match="residual and ffn are one in official_mixer"):
        read(tmp_path, arch=arch, connectivities=both)


def test_the_official_residual_twin_gets_its_skips(tmp_path):
    arch = {**ARCH, "kind": "official_mixer"}
    for connectivities in (["acn", "ffn"], ["acn", "residual"]):
        suite = read(tmp_path, arch=arch, connectivities=connectivities)
        found = [suite.arch_of(c, 2, 10) for c in connectivities]
        assert [(a.connectivity, a.skips) for a in found] == [("acn", "none"), ("ffn", "both")]
