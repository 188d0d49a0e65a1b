"""Names of conditions, the records as JSON, and a comparison that survives the disk."""

import json
from dataclasses import replace

import pytest

from acn_eval.errors import DataError
from acn_eval.statistics import Estimate, Finding
from acn_eval.statistics.comparison import (
    comparison_key,
    load_comparison,
    name_of,
    names_of,
    save_comparison,
)
from acn_eval.studies.compare import compare
from tests.fakes import fake_result
from tests.statistics.results import CLEAN, STRONG, WEAK, simple


@pytest.mark.parametrize(
    ("condition", "name"),
    [
        (CLEAN, "clean"),
        (WEAK, "gaussian 0.1"),
        ({"corruption": "salt_and_pepper", "level": 0.01, "repeat": 3}, "salt and pepper 0.01"),
        ({"corruption": "jpeg", "level": 3}, "jpeg 3"),
    ],
)
def test_name_of(condition, name):
    assert name_of(condition) == name


def test_conditions_with_one_name_say_how_they_differ():
    normalized = {**WEAK, "space": "normalized"}
    assert names_of([WEAK, STRONG, normalized]) == (
        "gaussian 0.1, space pixel",
        "gaussian 0.4",
        "gaussian 0.1, space normalized",
    )


def test_comparison_is_plain_json():
    found = compare(
        [simple("acn", [1] * 4, [1, 1, 0, 1], [1, 0, 0, 1])], [simple("res", *[[1, 0, 0, 1]] * 3)]
    )
    assert (
        json.loads(json.dumps(found.to_dict(), allow_nan=False))["rows"][1]["name"]
        == "gaussian 0.1"
    )


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


@pytest.mark.parametrize("margin", [None, 0.02])
def test_a_margin_is_read_back(tmp_path, margin):
    sides = [fake_result(name) for name in ("ac_vit", "res_vit")]
    sides = [replace(s, suite={**s.suite, "equivalence_margin": margin}) for s in sides]
    stated = compare(sides[:1], sides[1:])
    limits = Finding("depth", "%", *[Estimate(1, 0, 2)] * 3, limits_90=(0.5, 1.5))
    stated = replace(stated, findings=(limits,))
    assert load_comparison(save_comparison(stated, tmp_path)) == stated
    assert (stated.claim.equivalence is None) == (margin is None)


@pytest.mark.parametrize("verdict", ["tie", "undecidable", "better"])
def test_an_older_file_is_read_and_its_tie_is_undecided(comparison, tmp_path, verdict):
    """Before margins were stated, a tie was a difference that was not detected."""
    folder = save_comparison(comparison, tmp_path)
    facts = json.loads((folder / "comparison.json").read_text())
    facts["claim"]["verdict"] = verdict
    del facts["claim"]["equivalence"]
    for finding in facts["findings"]:
        del finding["limits_90"]
    (folder / "comparison.json").write_text(json.dumps(facts))
    read = load_comparison(folder).claim
    assert read.verdict == ("better" if verdict == "better" else "undecided")
    assert read.sentence == comparison.claim.sentence


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
