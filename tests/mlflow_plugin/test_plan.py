"""What the configuration of the evaluator may hold, and what a logged model says of itself."""

from types import SimpleNamespace

import pytest

from acn_eval.errors import ConfigError
from acn_eval.mlflow_plugin.plan import Plan, Reads, reads_of


def model(**card):
    """What MLflow hands over of a logged model: its metadata."""
    return SimpleNamespace(metadata=SimpleNamespace(metadata={"acn_eval": card} if card else None))


def test_the_plan_overrides_the_fields_that_it_sets_and_no_others():
    own = model(mean=[0.5], std=[0.25], name="vit")
    plan = Plan.of({"suite": "robustness", "mean": [0.1]})
    assert reads_of(own, plan) == Reads(mean=(0.1,), std=(0.25,), name="vit")
    assert reads_of(own, None) == Reads(mean=(0.5,), std=(0.25,), name="vit")
    assert reads_of(model(), plan) == Reads(mean=(0.1,))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "evaluator_config: suite: Field required"),
        ({"suite": "robustness", "sede": 3}, "evaluator_config: sede: .*got 3. Fields: size, "),
        ({"suite": "robustness", "image": (8, 8)}, "evaluator_config: image"),
        ({"suite": "robustness", "limit": 0}, "limit: Input should be greater than"),
    ],
)
def test_a_field_that_is_missing_unknown_or_invalid_is_named(fields, words):
    with pytest.raises(ConfigError, match=words):
        Plan.of(fields)


def test_metadata_that_are_no_description_of_the_input_are_refused():
    with pytest.raises(ConfigError, match=r"metadata\['acn_eval'\]: size: "):
        reads_of(model(size=0), None)
