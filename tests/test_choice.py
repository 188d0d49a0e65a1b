"""The shipped networks are those that the plans of benchmarks/ chose on validation."""

import json
from pathlib import Path

import pytest
import yaml

from acn_eval.checkpoints import load
from acn_eval.config_files import recorded
from acn_eval.shipped import shipped
from acn_eval.training import Recipe, read_recipe
from tests.simulations import script

with script("choose_networks") as choose_networks:
    pass

FOLDER = Path(choose_networks.__file__).parent
PLAN = {
    name: group
    for plan in ("choice.yaml", "choice-text.yaml")
    for name, group in yaml.safe_load((FOLDER / plan).read_text()).items()
}
GROUPS = pytest.mark.parametrize("name", PLAN)


def chosen(name):
    return json.loads((FOLDER / f"choice-{name}.json").read_text())


@GROUPS
def test_every_training_of_the_plan_was_done(name):
    found = chosen(name)
    for training in choose_networks.trainings(PLAN[name]):
        rates = found[training.network][f"{training.recipe.learning_rate:g}"]
        assert 0 < rates[str(training.recipe.seed)] <= 1


@GROUPS
def test_both_sides_have_as_many_configurations_and_no_better_rate_is_beyond_an_edge(name):
    networks = PLAN[name]["networks"]
    sides = {"residual": 0, "acn": 0}
    for own in networks.values():
        sides[own["arch"]["connectivity"]] += len(own["rates"])
    assert sides["residual"] == sides["acn"]
    for network in {own["network"] for own in PLAN[name]["shipped"].values()}:
        found, best = chosen(name)[network], choose_networks.best(chosen(name)[network])
        rates = sorted(map(float, found))
        perfect = set(found[f"{best:g}"].values()) == {1.0}  # no rate can be better
        assert perfect or (len(rates) >= 4 and rates[0] < best < rates[-1]), network


@GROUPS
def test_the_shipped_recipes_are_those_of_the_plan(name):
    for path, fields in choose_networks.shipped(PLAN[name], chosen(name)):
        recipe = read_recipe(shipped("checkpoints") / f"{path}.yaml")
        assert recipe == recorded(fields, Recipe), path
        assert recipe.seed not in PLAN[name]["seeds"]


def test_every_shipped_recipe_is_in_the_plan_and_every_checkpoint_is_of_its_recipe():
    folder = shipped("checkpoints")
    planned = {
        path for name in PLAN for path, _ in choose_networks.shipped(PLAN[name], chosen(name))
    }
    assert {str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*.yaml")} == planned
    for path in folder.rglob("*.pt"):
        recipe = read_recipe(path.with_suffix(".yaml"))
        native = load(str(path)).native
        assert native.card.training.recipe == recipe.model_dump(mode="json"), path
