"""Fixtures that several tests of this study share."""

import pytest

from acn_eval.cache import OutcomeCache
from acn_eval.evaluation import evaluate
from acn_eval.studies.read import read_suite
from tests.studies.transfer.plans import NEW
from tests.tiny import checkpoint


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
