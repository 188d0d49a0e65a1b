"""Results by key: from the folder of the service, or from MLflow."""

import pytest

from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.service.service import Service
from acn_eval.service.settings import Settings
from acn_eval.service.stored import NoResult, compared, stored_result
from acn_eval.stores import TrackingStore
from acn_eval.tracking import record
from tests.fakes import fake_result, saved_pair


@pytest.fixture
def here(database, tmp_path):
    """A service whose store of MLflow is not asked: the folder holds what is looked for."""
    store = TrackingStore(f"sqlite:///{tmp_path / 'mlflow.db'}")
    return Service(Settings(), database, store, tmp_path, "http://127.0.0.1:8700")


def test_results_of_the_service_are_found_by_key(here):
    (ours, theirs), (comparison,), _ = saved_pair(here.home / "results")
    assert stored_result(here, ours.key).key == ours.key
    assert compared(here, ours.key, theirs.key).answer == comparison.answer


@pytest.mark.slow
def test_a_result_that_lies_elsewhere_is_taken_from_mlflow(service, tmp_path):
    results, comparisons, artifacts = saved_pair(tmp_path / "elsewhere")
    record(results, comparisons, cwd=tmp_path, artifacts=artifacts)
    assert stored_result(service, results[0].key).checkpoint == results[0].checkpoint
    with pytest.raises(NoResult, match="0123456789abcdef: must be the key of a stored result"):
        stored_result(service, "0123456789abcdef")


def test_a_result_that_lies_outside_what_the_service_may_read_is_refused(service, tmp_path):
    with service.store.lock():
        client = service.store.client()
    away = (tmp_path / "secret").as_uri()
    made = client.create_experiment("acn-eval/gate", artifact_location=away)
    client.create_run(made, tags={"acn_eval.key": "0123456789abcdef"})
    with pytest.raises(CheckpointError, match="must lie in the store's own folder"):
        stored_result(service, "0123456789abcdef")


def test_results_of_other_questions_are_not_compared(here):
    first, second = fake_result("ac_vit"), fake_result("res_vit", seed=1)
    for result in (first, second):
        result.save(here.home / "results")
    with pytest.raises(ConfigError):
        compared(here, first.key, second.key)
