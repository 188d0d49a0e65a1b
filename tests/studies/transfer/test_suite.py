"""Transfer: what a suite may ask."""

import pytest
from pydantic import ValidationError

from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.inference import OutcomeCache
from acn_eval.studies.compare import compare
from acn_eval.studies.read import read_suite
from acn_eval.studies.transfer.suite import Transfer
from tests.tiny import checkpoint

NEW = DataSelection(data="digits", classes=tuple("56789"))

DEPTH = 2


def suite(*protocols, **fields):
    names = protocols or ("ridge",)
    return Transfer(name="t", protocols=names, side_by_side=len(names) > 1, **fields)


@pytest.fixture
def pair(tiny, device):
    return [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]


@pytest.fixture(scope="module")
def results(tiny, device, tmp_path_factory):
    """Both networks under the default protocol, on classes 5 to 9."""
    from acn_eval.inference import Runtime

    models = [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]
    runtime = Runtime(device, 64, "fp32", OutcomeCache(tmp_path_factory.mktemp("outcomes")))
    return evaluate(models, read_suite("transfer"), NEW, runtime=runtime)


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
