"""Transfer: what a suite may ask."""

import pytest
from pydantic import ValidationError

from acn_eval.evaluation import evaluate
from acn_eval.studies.compare import compare
from acn_eval.studies.read import read_suite
from acn_eval.studies.transfer.suite import Transfer
from tests.studies.transfer.plans import DEPTH, NEW, suite


def test_two_protocols_need_a_flag_and_the_first_is_the_end_point(pair, runtime):
    with pytest.raises(ValidationError, match="not comparable"):
        Transfer(name="t", protocols=("ridge", "knn"))
    results = evaluate(pair, suite("knn", "ridge"), NEW, runtime=runtime)
    assert {c.condition["protocol"] for c in results[0].cells} == {"knn-1", "ridge-1"}
    assert [c.condition["protocol"] for c in results[0].cells if c.primary] == ["knn-1"]
    names = [row.name for row in compare(results[:1], results[1:]).rows]
    assert len(names) == len(set(names)) == 2 * (2 * (DEPTH + 1) + 2)


def test_noise_by_name_is_recorded_in_full():
    shipped = read_suite("transfer_noise")
    assert shipped.noise == read_suite("robustness")
    assert shipped.model_dump(mode="json")["noise"]["corruptions"]
    assert Transfer.model_validate(shipped.model_dump()) == shipped
