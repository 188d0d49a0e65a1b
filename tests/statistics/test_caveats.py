"""Warnings that stand beside a comparison, and those that do not."""

import numpy as np
import pytest

from acn_eval.results import DataId
from acn_eval.studies.compare import compare
from tests.statistics.results import outcomes, simple


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
