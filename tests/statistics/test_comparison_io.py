"""A comparison survives the disk."""

import json

import pytest

from acn_eval.errors import DataError
from acn_eval.statistics import compare
from acn_eval.statistics.comparison_io import comparison_key, load_comparison, save_comparison
from tests.fakes import fake_result


@pytest.fixture(scope="module")
def comparison():
    return compare([fake_result("ac_vit")], [fake_result("res_vit")])


def test_what_is_saved_is_read_back(comparison, tmp_path):
    folder = save_comparison(comparison, tmp_path)
    assert folder.name == f"compare-ac_vit-res_vit-{comparison_key(comparison)}"
    assert load_comparison(folder) == comparison
    assert not list(folder.glob("*.part"))


def test_the_key_knows_the_order_of_the_sides(comparison):
    other = compare([fake_result("res_vit")], [fake_result("ac_vit")])
    assert comparison_key(other) != comparison_key(comparison)


@pytest.mark.parametrize("damage", ["{", "{}", "[]", '{"candidate": 3}'])
def test_a_damaged_file_is_a_data_error(comparison, tmp_path, damage):
    folder = save_comparison(comparison, tmp_path)
    (folder / "comparison.json").write_text(damage)
    with pytest.raises(DataError, match="Compare again"):
        load_comparison(folder)


def test_a_file_with_an_unknown_field_is_a_data_error(comparison, tmp_path):
    folder = save_comparison(comparison, tmp_path)
    facts = json.loads((folder / "comparison.json").read_text())
    (folder / "comparison.json").write_text(json.dumps({**facts, "mood": "good"}))
    with pytest.raises(DataError, match="mood"):
        load_comparison(folder)


@pytest.mark.parametrize(
    "damage",
    ["[" * 100_000, '{"a":' * 100_000, '{"n": 1, "n": 2}', '{"n": ' + "9" * 5000 + "}", "\0", ""],
    ids=["lists", "mappings", "twice", "digits", "nul", "empty"],
)
def test_a_bomb_is_a_data_error(comparison, tmp_path, damage):
    folder = save_comparison(comparison, tmp_path)
    (folder / "comparison.json").write_text(damage)
    with pytest.raises(DataError, match="Compare again") as caught:
        load_comparison(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 3},
        {"rows": [3]},
        {"n": "many"},
        {"claim": {"verdict": [], "sentence": "", "evidence": {}}},
        {"claim": {"verdict": "tie", "sentence": "", "evidence": {"x": 3}}},
        {"candidate": {"label": "a", "keys": [3], "seeds": [0]}},
        {"ratio": [1, 2]},
        {"warnings": "abc"},
    ],
    ids=str,
)
def test_a_field_of_another_type_is_a_data_error(comparison, tmp_path, change):
    folder = save_comparison(comparison, tmp_path)
    facts = json.loads((folder / "comparison.json").read_text())
    (folder / "comparison.json").write_text(json.dumps({**facts, **change}))
    with pytest.raises(DataError, match="Compare again"):
        load_comparison(folder)
