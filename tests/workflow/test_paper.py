"""Tables are read whole, and contradictions are one line before anything is trained."""

import pytest
import yaml

from acn_eval.errors import ConfigError
from acn_eval.workflow.paper import read_table, shipped_tables
from tests.tiny import ARCH


def fields(**changes):
    pair = {"acn": {}, "residual": {"arch": {"connectivity": "residual"}}}
    compared = {"candidate": "acn", "baseline": "residual", "suites": {"robustness": None}}
    shared = {"arch": ARCH, "steps": 4, "batch": 32}
    own = {"title": "mine", "budget": "2 epochs", "seeds": 2, "recipe": shared}
    return {**own, "networks": pair, "comparisons": [compared], **changes}


def written(folder, **changes):
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(fields(**changes)))
    return path


def compared(**changes):
    return [{**fields()["comparisons"][0], **changes}]


def test_networks_are_the_shared_recipe_with_their_own_changes(tmp_path):
    changed = {"arch": {"connectivity": "residual"}, "learning_rate": 0.02}
    table = read_table(str(written(tmp_path, networks={"acn": {}, "residual": changed})))
    ours, theirs = table.networks["acn"], table.networks["residual"]
    assert (ours.arch.connectivity, theirs.arch.connectivity) == ("acn", "residual")
    assert ours.arch.width == theirs.arch.width == ARCH["width"]
    assert (ours.learning_rate, theirs.learning_rate) == (0.001, 0.02)
    assert ours.steps == theirs.steps == 4


@pytest.mark.parametrize("name", shipped_tables())
def test_what_is_shipped_can_be_read(name):
    table = read_table(name)
    assert table.seeds >= 3  # fewer say nothing about architectures
    assert all(recipe.looks and recipe.select == "last" for recipe in table.networks.values())


def test_the_mixer_of_the_paper_has_its_parameters_and_epochs():
    from acn_eval.models import build

    recipe = read_table("mixer-cifar10").networks["acn"]
    assert sum(p.numel() for p in build(recipe.arch).parameters()) == 2_527_002
    assert recipe.steps == 700 * -(-45_045 // 64)


WRONG = {
    "a network that is none": (compared(candidate="dense"), "dense is none"),
    "a network twice": (compared(baseline="acn"), "must be of two networks; got acn twice"),
    "a figure of nobody": (
        compared(suites={"robustness": {"clean": {"dense": [90]}}}),
        "figures must be of acn or residual; dense is neither",
    ),
    "three numbers": (compared(suites={"robustness": {"clean": {"acn": [1, 2, 3]}}}), "at most 2"),
    "no suite": (compared(suites={}), "at least 1"),
    "no such suite": (compared(suites={"robustnes": None}), "Did you mean robustness?"),
    "a suite of trainings": (
        compared(suites={"low_data_demo": None}),
        "low_data_demo trains its own. It has a command.",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_comparisons_that_contradict_the_table(tmp_path, wrong):
    comparisons, reason = WRONG[wrong]
    with pytest.raises(ConfigError, match=reason) as caught:
        read_table(str(written(tmp_path, comparisons=comparisons)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"), [("steps", 5), ("batch", 16), ("data", "cifar10"), ("classes", ["0", "1"])]
)
def test_budgets_are_equal(tmp_path, field, value):
    networks = {"acn": {field: value}, "residual": {}}
    with pytest.raises(ConfigError, match=f"budgets must be equal; in {field} acn and residual"):
        read_table(str(written(tmp_path, networks=networks)))


def test_nothing_is_trained_for_no_comparison(tmp_path):
    networks = {**fields()["networks"], "spare": {}}
    with pytest.raises(ConfigError, match="spare does not"):
        read_table(str(written(tmp_path, networks=networks)))


@pytest.mark.parametrize("where", ["recipe", "networks"])
def test_seeds_are_numbered(tmp_path, where):
    own = {"recipe": {**fields()["recipe"], "seed": 7}}
    changes = own if where == "recipe" else {"networks": {"acn": {"seed": 7}, "residual": {}}}
    with pytest.raises(ConfigError, match="must not state a seed"):
        read_table(str(written(tmp_path, **changes)))


def test_wrong_fields_are_named(tmp_path):
    misspelt = {"networks": {"acn": {"step": 4}, "residual": {}}}
    with pytest.raises(ConfigError, match=r"networks\.acn\.step: .*Did you mean steps"):
        read_table(str(written(tmp_path, **misspelt)))
    for changes, field in (
        ({"recipe": [1]}, "recipe"),
        ({"networks": {"a": 1, "b": 2}}, "networks"),
    ):
        with pytest.raises(ConfigError, match=field):
            read_table(str(written(tmp_path, **changes)))
    with pytest.raises(ConfigError, match="Did you mean digits-demo"):
        read_table("digit-demo")
