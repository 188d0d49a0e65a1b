"""The fair-pair manifest shows every mismatch; warnings stand beside a comparison."""

import numpy as np
import pytest

from acn_eval.results import DataId
from acn_eval.studies.compare import compare
from tests.statistics.results import outcomes, simple

TRAINING = {
    "recipe": "short",
    "learning_rate": 0.001,
    "data": "digits",
    "steps": 10,
    "examples": 640,
}


def compared(*, about=None, **changes):
    sides = [simple("acn", *[[1, 0]] * 3), simple("res", *[[1, 0]] * 3, about=about, **changes)]
    return compare(sides[:1], sides[1:])


def test_equal_pair_has_no_mismatch():
    found = compared()
    assert [row.name for row in found.manifest] == [
        "parameters",
        "FLOPs per example",
        "preprocessing",
        "precision",
        "training data",
        "recipe",
        "learning rate",
        "steps",
        "examples seen",
    ]
    assert all(row.equal for row in found.manifest)
    assert not any("differ in" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("name", "changes", "shown"),
    [
        ("parameters", {"about": {"parameters": 1234567}}, "1,234,567"),
        ("FLOPs per example", {"about": {"flops": 7}}, "7"),
        ("preprocessing", {"about": {"preprocessing": {"size": 8, "std": [2]}}}, "size 8, std 2"),
        ("precision", {"precision": "bf16"}, "bf16"),
        ("training data", {"about": {"training": {**TRAINING, "data": "cifar10"}}}, "cifar10"),
        ("recipe", {"about": {"training": {**TRAINING, "recipe": "long"}}}, "long"),
        ("learning rate", {"about": {"training": {**TRAINING, "learning_rate": 3e-3}}}, "0.003"),
        ("steps", {"about": {"training": {**TRAINING, "steps": 20}}}, "20"),
        ("examples seen", {"about": {"training": {**TRAINING, "examples": 1280}}}, "1,280"),
    ],
)
def test_mismatch_is_a_row_and_a_warning(name, changes, shown):
    found = compared(**changes)
    unequal = [row for row in found.manifest if row.equal is False]
    assert [(row.name, row.baseline) for row in unequal] == [(name, shown)]
    assert any(w.startswith(f"the two differ in {name}: ") and shown in w for w in found.warnings)


def test_unknown_is_not_a_mismatch():
    rows = compared(about={"training": {}}).manifest[4:]
    assert [(row.baseline, row.equal) for row in rows] == [("unknown", None)] * 5


def test_seeds_that_differ_among_themselves_are_listed():
    sides = [
        [
            simple(n, *[[1, 0]] * 3, about={"sha256": f"{n}{s}", "training": {"steps": 10 * s}})
            for s in (1, 2)
        ]
        for n in ("acn", "res")
    ]
    steps = next(row for row in compare(*sides).manifest if row.name == "steps")
    assert (steps.candidate, steps.equal) == ("10 / 20", True)


def warnings(counts=(1, 1), n=360, data="npz:toy"):
    rng = np.random.default_rng(0)
    about = DataId(data, "test", n, "same", tuple("0123456789"))
    sides = [
        [
            simple(
                name,
                *(outcomes(0.8, n, rng) for _ in range(3)),
                about={"sha256": f"{name}{s}"},
                data=about,
            )
            for s in range(count)
        ]
        for name, count in zip(("acn", "res"), counts, strict=True)
    ]
    return " | ".join(compare(*sides).warnings)


def test_two_checkpoints_say_nothing_about_architectures():
    assert "one training seed per side says nothing about the architectures" in warnings()


@pytest.mark.parametrize("counts", [(2, 2), (5, 1)])
def test_too_few_seeds_say_nothing_about_architectures(counts):
    expected = f"{counts[0]} and {counts[1]} training seeds say nothing about the architectures"
    assert expected in warnings(counts)


def test_three_seeds_do():
    assert "say nothing" not in warnings((3, 3))


def test_digits_come_from_a_few_writers():
    assert "few writers" in warnings(data="digits")
    assert "few writers" not in warnings()


def test_small_samples():
    assert "20 examples are too few" in warnings(n=20)
    assert "examples" not in warnings(n=360)
