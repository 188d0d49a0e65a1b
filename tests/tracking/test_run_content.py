"""Keys, tags and digests of runs are what MLflow accepts, and equal for equal facts."""

from dataclasses import replace

import pytest

from acn_eval.tracking.run_content import digest, flat, key_name, model_key, tags_of
from tests.fakes import fake_result


@pytest.mark.parametrize("text", ["gaussian 0.1", "a/../b", "/", "..", "é%$\n", "x" * 1000, ""])
def test_mlflow_accepts_every_key(text):
    from mlflow.utils.validation import _validate_metric_name

    key = key_name(text)
    _validate_metric_name(key)
    assert 0 < len(key) <= 250


def test_nested_facts_are_paths():
    facts = {"noise": [{"kind": "gaussian"}, {"kind": "jpeg"}], "levels": [1, 2], "none": None}
    assert flat(facts, "suite") == {
        "suite.noise.0.kind": "gaussian",
        "suite.noise.1.kind": "jpeg",
        "suite.levels": "[1, 2]",
        "suite.none": "null",
    }


def test_a_digest_is_that_of_the_content_in_any_order():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})


def test_tags_hold_no_character_that_cannot_be_seen():
    assert tags_of({"depth": 8, "name": "a\x1b"}) == {
        "acn_eval.depth": "8",
        "acn_eval.name": "a\\x1b",
    }


def test_networks_differ_by_weights_architecture_and_preprocessing():
    result = fake_result()
    other = [
        replace(result, checkpoint=replace(result.checkpoint, **change))
        for change in ({"sha256": "0" * 64}, {"arch": {}}, {"preprocessing": {}}, {"name": "x"})
    ]
    *changed, renamed = map(model_key, other)
    assert len({model_key(result), *changed}) == 4
    assert renamed == model_key(result)
