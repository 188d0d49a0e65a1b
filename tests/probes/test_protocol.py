"""Protocols are as published."""

from dataclasses import replace

import pytest

from acn_eval.probes import PROTOCOLS, select
from tests.probes.sets import CPU, splits


def test_dinov2_holds_out_a_tenth_of_what_it_may_use():
    train, validation, _ = splits("digits")
    found = select(replace(PROTOCOLS["dinov2-logreg"], penalties=(1.0,)), train, validation, CPU)
    assert found.validation_n == (len(train) + len(validation)) // 10


@pytest.mark.parametrize(
    "name", ["clip-a3", "dinov2-logreg", "ridge-fewshot", "ridge", "linear", "acn-paper"]
)
def test_protocols_are_as_published(name):
    expected = {
        "clip-a3": (96, 1e6, 1e-6),
        "dinov2-logreg": (45, 1e6, 1e-5),
        "ridge-fewshot": (1, 1024, 1024),
        "ridge": (17, 1e6, 1e-2),
        "linear": (13, 1e4, 1e-2),
        "acn-paper": (13, 1e4, 1e-2),
    }
    penalties = PROTOCOLS[name].penalties
    assert (len(penalties), penalties[0], penalties[-1]) == pytest.approx(expected[name])
    assert list(penalties) == sorted(penalties, reverse=True)
