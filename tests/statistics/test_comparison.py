"""Names of conditions and the records as JSON."""

import json

import pytest

from acn_eval.statistics import name_of, names_of
from acn_eval.studies.compare import compare
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
