"""A certificate says what its interval allows, and nothing more."""

import pytest
from pydantic import ValidationError

from acn_eval.training.certificate import Certificate

FACTS = {
    "recipe": "0" * 64,
    "seeds": (1, 2),
    "fp32": (0.8, 0.9),
    "bf16": (0.79, 0.89),
    "validation_n": 351,
    "difference": -0.01,
    "low": -0.015,
    "high": -0.005,
    "margin": 0.02,
    "seconds": (0.004, 0.0025),
}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.019, 0.3, "may be taken"),
        (-0.015, -0.005, "may be taken"),  # worse, but by less than the margin
        (-0.02, 0.3, "cannot be decided"),
        (-0.3, -0.005, "cannot be decided"),
    ],
)
def test_the_whole_interval_decides(low, high, verdict):
    certificate = Certificate(**{**FACTS, "low": low, "high": high})
    assert certificate.verdict == verdict
    assert certificate.sentence.startswith(f"bf16 {verdict}: ")


def test_the_sentence_has_every_number():
    assert Certificate(**FACTS).sentence == (
        "bf16 may be taken: its loss of validation accuracy is below 2 points. Mean accuracy "
        "84.00 % in bf16 and 85.00 % in fp32: -1.00 points [-1.50, -0.50] (90 % interval over 2 "
        "seeds in both and 351 validation examples); a step takes 2.5 ms in bf16 and 4.0 ms in "
        "fp32."
    )


@pytest.mark.parametrize("change", [{"fp32": (0.8,)}, {"low": float("nan")}, {"verdict": "fine"}])
def test_what_is_no_certificate_is_refused(change):
    with pytest.raises(ValidationError):
        Certificate(**{**FACTS, **change})


CONTRADICTIONS = [
    ({"bf16": (0.79, 0.89, 0.99)}, "one accuracy per seed"),
    ({"difference": 0.5, "high": 0.6}, "must be the mean of bf16 minus that of fp32"),
    ({"low": 0.1, "high": 0.2}, "must lie between `low` and `high`"),
]


@pytest.mark.parametrize(("change", "message"), CONTRADICTIONS)
def test_numbers_that_contradict_each_other_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        Certificate(**{**FACTS, **change})
