"""Recipes are read strictly."""

import pytest
import yaml

from acn_eval.errors import ConfigError
from acn_eval.shipped import shipped
from acn_eval.training import Recipe, read_recipe
from tests.tiny import recipe

SHIPPED = sorted(shipped("checkpoints").rglob("*.yaml"))


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


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_twins_differ_in_nothing_but_connectivity(path):
    plan = read_recipe(path)
    twin = read_recipe((path.parent / plan.pair).with_suffix(".yaml"))
    same = {"arch": plan.arch, "pair": plan.pair, "learning_rate": plan.learning_rate}
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
