"""Results are joined by condition and id, or refused."""

from dataclasses import fields, replace

import numpy as np
import pytest

from acn_eval.data import Geometry, PrepareImages
from acn_eval.data.sentences import SentenceSpec
from acn_eval.data.tokens import SPECIAL, PrepareTokens, Vocabulary
from acn_eval.errors import ConfigError
from acn_eval.results import Cell, CheckpointId, DataId, EvalResult, Skip
from acn_eval.statistics.pairing import require_same_question
from acn_eval.studies.compare import compare, join
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


def test_examples_that_one_side_lacks_are_left_out_and_counted(rng):
    one = result("acn", [cell(CLEAN, outcomes(0.7, 40, rng))])
    other = result("res", [cell(CLEAN, outcomes(0.7, 30, rng), ids=range(10, 40))])
    found = compare([one], [other])
    assert found.n == 30
    assert any(warning.startswith("10 examples are left out") for warning in found.warnings)


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
        (
            {"suite": {"name": "robustness", "repeats": 2}},
            "suite config .*got robustness, repeats 2",
        ),
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


def test_the_primary_end_point_is_of_the_marked_conditions_or_of_all_where_none_is():
    cells = [cell(CLEAN, [1, 1, 1]), cell(WEAK, [1, 0, 0])]
    assert join([result("acn", cells)]).primary == (False, True)
    unmarked = [replace(c, primary=False) for c in cells]
    assert join([result("acn", unmarked)]).primary == (True, True)
    found = compare([result("acn", unmarked)], [result("res", unmarked)])
    assert found.primary.candidate.value == pytest.approx(2 / 3)


QUESTION = "refused: it is the question"
NETWORK = "two networks may differ in it"
SHOWN = "allowed, and shown beside the number"
JOINED = "conditions and images are joined, and what is missing is said"
FATE = {
    EvalResult: {
        "checkpoint": NETWORK,
        "data": QUESTION,
        "suite": QUESTION,
        "seed": QUESTION,
        "precision": SHOWN,
        "device": SHOWN,
        "noise_version": QUESTION,
        "noise_digest": QUESTION,
        "certificate": SHOWN,
        "versions": SHOWN,
        "cells": JOINED,
        "skipped": JOINED,
        "created_ms": SHOWN,
        "warnings": SHOWN,
        "details": SHOWN,
        "schema": NETWORK,
        "beside": NETWORK,
    },
    DataId: {
        "name": SHOWN,  # a path: the fingerprint says whether the images are the same
        "split": QUESTION,
        "n": QUESTION,
        "fingerprint": QUESTION,
        "classes": QUESTION,
    },
    CheckpointId: {
        "name": NETWORK,
        "uri": NETWORK,
        "sha256": NETWORK,
        "arch": NETWORK,
        "parameters": NETWORK,
        "flops": NETWORK,
        "preprocessing": QUESTION,
        "training": NETWORK,
    },
    Cell: {
        "condition": JOINED,
        "ids": JOINED,
        "values": NETWORK,
        "measure": JOINED,
        "primary": QUESTION,
        "labels": SHOWN,  # a result of schema 1 does not know all of them
        "predicted": NETWORK,
        "confidence": NETWORK,
        "nll": NETWORK,
        "brier": NETWORK,
        "targets": SHOWN,  # of classes; where the answers are numbers, all must know the same
    },
}
OTHER = {
    "checkpoint": replace(simple("other", [1], [1], [1]).checkpoint, sha256="another"),
    "data": DataId("npz:toy", "test", 4, "another", tuple("0123456789")),
    "suite": {"name": "robustness", "repeats": 2},
    "certificate": {"n": 5},
    "versions": {"torch": "1"},
    "skipped": (Skip({"corruption": "jpeg", "level": 1}, "no op"),),
    "warnings": ("new",),
    "details": {"tolerance": 0.1},
    "beside": {"log.txt": "a line"},
    "classes": tuple("9876543210"),
    "arch": {"kind": "mixer"},
    "preprocessing": {"size": 9},
    "training": {"seed": 5},
    "condition": {"corruption": "gaussian", "level": 0.2},
    "ids": np.array([0, 1, 2, 8]),
    "values": np.array([1, 1, 0, 0], dtype=np.float32),
    "measure": "loss",
    "primary": False,
    "predicted": np.array([1, 2, 3, 4], dtype=np.int32),
    "confidence": np.full(4, 0.5, dtype=np.float32),
    "labels": np.array([1, 2, 3, 4]),
    "nll": np.full(4, 0.5, dtype=np.float32),
    "brier": np.full(4, 0.5, dtype=np.float32),
    "targets": np.full(4, 0.5, dtype=np.float32),
}


def mutated(record, name):
    held = getattr(record, name)
    other = OTHER.get(name, f"{held} too" if isinstance(held, str) else 1)
    if name in {"seed", "n", "noise_version", "schema", "created_ms", "parameters", "flops"}:
        other = held + 1
    return replace(record, **{name: other})


def side_with(one, kind, name):
    """The result, one field of its own, its data, its checkpoint or its last cell another."""
    if kind is EvalResult:
        return replace(one, cells=one.cells[:-1]) if name == "cells" else mutated(one, name)
    if kind is Cell:
        return replace(one, cells=(*one.cells[:-1], mutated(one.cells[-1], name)))
    part = {DataId: "data", CheckpointId: "checkpoint"}[kind]
    return replace(one, **{part: mutated(getattr(one, part), name)})


CASES = [(kind, name) for kind, fates in FATE.items() for name in fates]


@pytest.mark.parametrize("kind", FATE)
def test_the_fate_of_every_field_is_decided(kind):
    assert set(FATE[kind]) == {field.name for field in fields(kind)}


@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda v: getattr(v, "__name__", v))
def test_a_field_that_differs_is_refused_or_known_to_be_harmless(kind, name):
    one, same = (simple(name, *[[1, 0, 1, 0]] * 3) for name in ("acn", "res"))
    other = side_with(same, kind, name)
    expected = compare([one], [same])
    if FATE[kind][name] == QUESTION:
        with pytest.raises(ConfigError, match="must be that"):
            compare([one], [other])
        return
    found = compare([one], [other])
    if FATE[kind][name] == JOINED:
        assert set(found.warnings) - set(expected.warnings)


_PIECES = Vocabulary(SPECIAL)
FACTS = {
    **dict.fromkeys(PrepareImages(Geometry(8, 1), (0.5,), (0.5,)).facts(), QUESTION),
    "mean": NETWORK,
    "std": NETWORK,
    "crop_pct": NETWORK,  # pictures of the right size are neither scaled nor cropped, and whether
    "crop_mode": NETWORK,  # the pixels are the same is what the noise digest says
    "interpolation": NETWORK,
    "fill": NETWORK,
    "rounding": NETWORK,
    "moments": NETWORK,
    **dict.fromkeys(PrepareTokens(SentenceSpec(2), _PIECES, 5).facts(), NETWORK),
    "sentences": QUESTION,
    "class_names": QUESTION,
    "restricted": QUESTION,
    "whatever comes later": QUESTION,
}


def prepared_as(name, digest="digest", suite=None, **facts):
    suite = suite or {"name": "robustness"}
    about = {"preprocessing": {"size": 8, "channels": 1, **facts}}
    return simple(name, *[[1, 0]] * 3, about=about, noise_digest=digest, suite=suite)


@pytest.mark.parametrize("name", FACTS)
def test_preprocessing_is_the_question_but_for_the_units_of_the_input(name):
    sides = prepared_as("acn"), prepared_as("res", **{name: 5})
    if FACTS[name] == NETWORK:
        require_same_question(sides)
    else:
        with pytest.raises(ConfigError, match=f"preprocessing, {name} must be that of acn"):
            require_same_question(sides)


def test_clean_pictures_may_have_the_size_that_each_network_wants():
    require_same_question([prepared_as("acn", ""), prepared_as("res", "", size=9, channels=3)])
    with pytest.raises(ConfigError, match="restricted"):
        require_same_question([prepared_as("acn", ""), prepared_as("res", "", restricted=True)])


@pytest.mark.parametrize("nested", [False, True])
def test_a_size_that_the_suite_fixes_is_that_of_both(nested):
    suite = {"name": "s", "image_size": 8}
    suite = {"name": "outer", "noise": suite} if nested else suite
    sides = [prepared_as("acn", suite=suite), prepared_as("res", suite=suite, size=9)]
    require_same_question(sides)
    with pytest.raises(ConfigError, match="channels"):
        require_same_question([sides[0], prepared_as("res", suite=suite, channels=3)])


def test_a_network_without_exits_lacks_what_the_other_side_counts():
    """One side counts every exit and the other its last alone: what is missing is said."""
    exits = [cell({**CLEAN, "exit": k}, [1, 0, 1], primary=k != "last") for k in (0, 1, "last")]
    deep = result("acn", exits)
    foreign = result("res", [replace(exits[-1], primary=True)])
    assert join([deep, foreign]).weights.tolist() == [1.0]
    with pytest.raises(ConfigError, match="primary endpoint must be that"):
        join([deep, replace(deep, cells=tuple(replace(c, primary=True) for c in exits))])
