"""The low-data suite as a YAML: what it takes, and what it refuses in one line."""

import pytest
import yaml

from acn_eval.errors import ConfigError
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.models import rewired
from acn_eval.studies.low_data.suite import LowData
from acn_eval.studies.read import read_suite
from acn_eval.training import read_recipe
from tests.studies.low_data.plans import suite
from tests.tiny import checkpoint, recipe

FIELDS = {
    "kind": "low_data",
    "mode": "scratch",
    "name": "mine",
    "candidate": "low_data/acn_vit.yaml",
    "baseline": "low_data/res_vit.yaml",
    "per_class": [5],
    "steps": 10,
}


def read(folder, **changes):
    fields = {k: v for k, v in {**FIELDS, **changes}.items() if v is not None}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(fields))
    return read_suite(str(path))


def test_recipes_are_found_here_before_the_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shipped = read(tmp_path)
    assert shipped.candidate.name == "acn_vit"
    assert shipped.candidate.recipe.arch.depth == 8
    own = tmp_path / "low_data"
    own.mkdir()
    (own / "acn_vit.yaml").write_text(yaml.safe_dump(recipe(steps=7).model_dump(mode="json")))
    found = read(tmp_path)
    assert found.candidate.recipe == read_recipe(own / "acn_vit.yaml")
    assert found.baseline == shipped.baseline


@pytest.mark.parametrize(
    "name",
    [
        *("low_data", "low_data_plain", "low_data_mixer", "low_data_paper", "low_data_demo"),
        "low_data_text",
    ],
)
def test_the_shipped_pairs_differ_in_their_connections_alone(name):
    plan = read_suite(name)
    ours, theirs = plan.candidate.recipe, plan.baseline.recipe
    assert ours.arch.connectivity == "acn"
    apart = {"connectivity", "skips"}
    left = ours.model_dump(exclude={"arch", "learning_rate"})
    assert left == theirs.model_dump(exclude={"arch", "learning_rate"})
    assert ours.arch.model_dump(exclude=apart) == theirs.arch.model_dump(exclude=apart)
    assert theirs.arch == rewired(ours.arch, "residual")
    assert plan.draws >= 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"per_class": None}, "sizes must be given as per_class or as fractions"),
        ({"fractions": [0.1]}, "sizes must be given as per_class or as fractions"),
        ({"per_class": [5, 5]}, "sizes must differ; got 5, 5"),
        ({"per_class": [0]}, "greater than 0"),
        ({"per_class": None, "fractions": [1.5]}, "less than or equal to 1"),
        ({"draws": 0}, "greater than or equal to 1"),
        ({"steps": None}, "steps: Field required"),
        ({"held_out": 0.9}, "less than or equal to 0.5"),
        ({"training": "fast"}, "'auto', 'together' or 'alone'"),
        ({"repeat": 3}, "Did you mean repeats?"),
        ({"candidate": "nosuch.yaml"}, "nosuch.yaml: must be a recipe; No such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path, changes, message):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sizes_are_in_order():
    assert suite(per_class=(20, 5, 10)).sizes == (5, 10, 20)
    assert suite(per_class=(), fractions=(0.5, 0.1)).sizes == (0.1, 0.5)


def test_it_asks_no_checkpoint(tiny):
    with pytest.raises(ConfigError, match="must be left out"):
        evaluate([checkpoint(tiny)], suite(), DataSelection(data="digits"))
    assert isinstance(suite(), LowData)
