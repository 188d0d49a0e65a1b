"""Results are joined by condition and id, or refused."""

import numpy as np
import pytest

from acn_eval.errors import ConfigError
from acn_eval.statistics import compare
from acn_eval.statistics.pairing import join
from tests.statistics.results import CLEAN, STRONG, WEAK, cell, outcomes, result, simple


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_images_are_joined_by_id_not_by_position(rng):
    values, order = outcomes(0.5, 60, rng), rng.permutation(60)
    one = result("acn", [cell(CLEAN, values)])
    other = result("res", [cell(CLEAN, values[order], ids=order)])
    row = compare([one], [other]).rows[0]
    assert (row.discordance, row.difference.value, row.n) == (0, 0, 60)


def test_conditions_are_joined_by_name_and_clean_comes_first(rng):
    values = [outcomes(share, 30, rng) for share in (0.9, 0.7, 0.5)]
    one = result("acn", [cell(c, v) for c, v in zip((STRONG, CLEAN, WEAK), values, strict=True)])
    other = result(
        "res",
        [cell(c, v) for c, v in zip((WEAK, STRONG, CLEAN), np.roll(values, 1, 0), strict=True)],
    )
    rows = compare([one], [other]).rows
    assert [row.name for row in rows] == ["clean", "gaussian 0.4", "gaussian 0.1"]
    assert [row.discordance for row in rows] == [0, 0, 0]


def test_repeats_are_averaged_within_the_image():
    draws = [[1, 0, 1, 0], [1, 1, 0, 0], [1, 1, 1, 0]]
    one = result("acn", [cell({**WEAK, "repeat": r}, d) for r, d in enumerate(draws)])
    found = join([one])
    assert found.values.tolist() == [[pytest.approx([1, 2 / 3, 2 / 3, 0])]]
    assert found.conditions == (WEAK,)


def test_condition_that_one_side_skipped_becomes_a_warning(rng):
    values = [outcomes(0.7, 40, rng) for _ in range(3)]
    one = simple("acn", *values)
    other = result("res", [cell(CLEAN, values[0]), cell(WEAK, values[1])], [(STRONG, "no kernel")])
    found = compare([one], [other])
    assert [row.name for row in found.rows] == ["clean", "gaussian 0.1"]
    assert "gaussian 0.4: not compared; res: no kernel" in found.warnings


def test_condition_that_both_sides_skipped_becomes_a_warning(rng):
    sides = [
        result(n, [cell(CLEAN, outcomes(0.7, 40, rng))], [(WEAK, "no op")]) for n in ("a", "b")
    ]
    assert (
        "gaussian 0.1: not compared; a: no op; b: no op" in compare(sides[:1], sides[1:]).warnings
    )


def test_condition_that_is_silently_absent_becomes_a_warning(rng):
    one = simple("acn", *[outcomes(0.7, 40, rng)] * 3)
    other = result("res", one.cells[:2])
    assert "gaussian 0.4: not compared; res: not measured" in compare([one], [other]).warnings


def test_images_that_one_side_lacks_are_left_out_and_counted(rng):
    one = result("acn", [cell(CLEAN, outcomes(0.7, 40, rng))])
    other = result("res", [cell(CLEAN, outcomes(0.7, 30, rng), ids=range(10, 40))])
    found = compare([one], [other])
    assert found.n == 30
    assert any(warning.startswith("10 images are left out") for warning in found.warnings)


def test_other_measures_are_named(rng):
    cells = [cell(CLEAN, outcomes(0.7, 40, rng))]
    margin = cell(CLEAN, 5 * rng.random(40), measure="margin")
    found = compare([result("acn", [*cells, margin])], [result("res", [*cells, margin])])
    assert "margin: not compared; only `correct` is" in found.warnings


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"noise_digest": "other"}, "noise digest"),
        ({"noise_version": 2}, "noise version"),
        ({"seed": 1}, "noise seed"),
        ({"suite": {"name": "robustness", "repeats": 2}}, "suite config"),
    ],
)
def test_refuses_another_question(changes, what):
    sides = [simple("acn", *[[1, 0]] * 3), simple("res", *[[1, 0]] * 3, **changes)]
    with pytest.raises(ConfigError, match=what) as caught:
        compare(sides[:1], sides[1:])
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_refuses_other_data():
    one = simple("acn", *[[1, 0]] * 3)
    other = simple("res", *[[1, 0]] * 3, data=type(one.data)("toy", "test", 2, "else", ("a", "b")))
    with pytest.raises(ConfigError, match="data fingerprint"):
        compare([one], [other])


def test_lists_and_tuples_in_a_config_are_alike():
    one = simple("acn", *[[1, 0]] * 3, suite={"name": "s", "levels": (0.1, 0.2)})
    other = simple("res", *[[1, 0]] * 3, suite={"name": "s", "levels": [0.1, 0.2]})
    assert compare([one], [other]).n == 2


@pytest.mark.parametrize(
    ("sides", "what"),
    [
        (([], ["res"]), "none"),
        ((["acn", "acn"], ["res"]), "twice"),
        ((["acn_a", "res_a"], ["res"]), "one architecture"),
    ],
)
def test_refuses_a_side_that_is_not_one_architecture(sides, what):
    candidates, baselines = ([simple(n, *[[1, 0]] * 3) for n in names] for names in sides)
    with pytest.raises(ConfigError, match=what):
        compare(candidates, baselines)


@pytest.mark.parametrize(
    "other",
    [result("res", [cell(WEAK, [1, 0])]), result("res", [cell(CLEAN, [1, 0], ids=[1, 9])])],
)
def test_refuses_results_that_share_nothing(other):
    with pytest.raises(ConfigError, match="share"):
        compare([result("acn", [cell(CLEAN, [1, 0])])], [other])
