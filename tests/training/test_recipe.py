"""Recipes are read strictly."""

import json

import pytest
import yaml
from click.testing import CliRunner

from acn_eval.cli.main import cli
from acn_eval.errors import ConfigError
from acn_eval.shipped import shipped
from acn_eval.training import Recipe, read_recipe
from tests.tiny import recipe
from tests.training import texts

SHIPPED = sorted(shipped("checkpoints").rglob("*.yaml"))
TWINS = [path for path in SHIPPED if "twice" not in path.parts]  # the paper's budgets, two to one


def refused(folder, content):
    path = folder / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_recipe(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def changed(**fields):
    return yaml.safe_dump({**recipe().model_dump(mode="json"), **fields}).encode()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_shipped_recipe_reads_and_round_trips(path, tmp_path):
    plan = read_recipe(path)
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(plan.model_dump(mode="json")))
    assert read_recipe(tmp_path / "again.yaml") == plan
    assert Recipe.model_validate_json(plan.model_dump_json()) == plan


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_shipped_recipes_declare_no_pairs(path):
    """Their seeds 0 to 4 are reported, and no others were looked at."""
    assert read_recipe(path).paired_seeds is None


@pytest.mark.parametrize("path", TWINS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_twins_differ_in_nothing_but_connectivity(path):
    plan = read_recipe(path)
    twin = read_recipe((path.parent / plan.pair).with_suffix(".yaml"))
    same = {"arch": plan.arch, "pair": plan.pair, "learning_rate": plan.learning_rate}
    same["start_from"] = plan.start_from
    assert twin.model_copy(update=same) == plan
    connections = {"connectivity": plan.arch.connectivity, "skips": plan.arch.skips}
    assert twin.arch.model_copy(update=connections) == plan.arch
    assert twin.arch.connectivity != plan.arch.connectivity


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (changed(learning_rat=0.1), "learning_rat: is no field of a recipe. Did you mean learn"),
        (changed(steps=0), "steps: Input should be greater than 0"),
        (changed(steps="many"), "steps: "),
        (changed(augment={"flips": True}), "augment.flips: is no field of a recipe. Did you mean"),
        (changed(arch={"kind": "vit", "dept": 3}), "arch.vit.dept: is no field of a recipe"),
        (changed(arch={"kind": "resnet"}), "arch: "),
        (changed(precision="fp8"), "precision: "),
        (changed(paired_seeds={"correlation": 0.3, "seeds": [*range(5)]}), "paired_seeds.corr"),
        (changed(paired_seeds={"correlation": 0.5, "seeds": [7, 8]}), "paired_seeds.seeds: "),
        (b"steps: 3\n", "arch: Field required"),
        (b"", "the file: "),
        (b"- a\n", "the file: "),
        (b"steps: [", "must be YAML"),
        (b"\x89PNG\r\n\x1a\n\x00", "must be YAML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, content, expected):
    assert refused(tmp_path, content).startswith(expected)


def test_a_missing_recipe_is_said(tmp_path):
    with pytest.raises(ConfigError, match="must be a recipe; No such file"):
        read_recipe(tmp_path / "nosuch.yaml")
    with pytest.raises(ConfigError, match="must be a recipe; Is a directory"):
        read_recipe(tmp_path)


def test_a_recipe_of_the_official_residual_mixer_has_its_skips(tmp_path):
    for connectivity, skips in (("acn", "none"), ("ffn", "both"), ("residual", "both")):
        arch = {"kind": "official_mixer", "connectivity": connectivity}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"arch": arch}))
        assert read_recipe(tmp_path / "mine.yaml").arch.skips == skips


def of_text(**fields):
    return yaml.safe_dump({**texts.classes().model_dump(mode="json"), **fields}).encode()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (of_text(augment={"flip": True}), "augment must be of a network that reads images"),
        (changed(start_from="a.pt"), "vocabulary and start_from must be of a network that reads"),
        (changed(vocabulary={"file": "a"}), "vocabulary and start_from must be of a network"),
        (
            of_text(start_from="a.pt", vocabulary={"file": "a"}),
            "vocabulary must not be given with start_from, which has its own",
        ),
        (of_text(schedule="cosine"), "schedule: Input should be 'linear'"),
    ],
)
def test_text_and_images_have_fields_of_their_own(tmp_path, content, expected):
    assert expected in refused(tmp_path, content)


def test_fields_that_came_later_are_written_where_they_are_given():
    later = {"schedule", "vocabulary", "start_from"}
    assert not later & recipe().model_dump(mode="json").keys()
    given = texts.classes(start_from="a.pt").model_dump(mode="json")
    assert later & given.keys() == {"schedule", "start_from"}


def test_what_is_asked_follows_from_the_head():
    assert texts.masked().masked
    assert not texts.classes().masked
    assert not recipe().masked


def test_the_schema_names_the_fields():
    shown = CliRunner().invoke(cli, ["schema", "--recipe"])
    fields = json.loads(shown.output)["properties"]
    assert set(Recipe.model_fields) == fields.keys()
    assert {"start_from", "vocabulary", "schedule", "arch"} <= fields.keys()
