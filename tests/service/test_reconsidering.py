"""A version is judged once more where its baseline has changed."""

import pytest

from acn_eval.service.settings import Profile
from tests.service.registry import ends, jobs_of, look, register, watched


def asked(service):
    return [(job.model, job.version, job.request.baseline) for job in jobs_of(service)]


@pytest.mark.slow
def test_a_version_whose_predecessor_turned_out_to_be_no_network_is_judged_again(service):
    service = watched(service, Profile(name="n", baseline="previous"))
    register(service.store, count=3)
    look(service)
    ends(service, verdict="no_verdict")
    ends(service, state="refused")
    ends(service, state="failed")
    for _ in range(2):
        look(service)
    assert asked(service)[3:] == [("vit", 3, "models:/vit/1")]


@pytest.mark.slow
def test_a_version_without_a_baseline_is_judged_once_there_is_one(service):
    service = watched(service)
    client, _ = register(service.store, count=3)
    look(service)
    assert asked(service) == [("vit", n, None) for n in (1, 2, 3)]
    for _ in range(3):
        ends(service, verdict="no_verdict", test_set=None)
    client.set_registered_model_alias("vit", "champion", "2")
    for _ in range(2):
        look(service)
    assert asked(service)[3:] == [("vit", 3, "models:/vit/2")]


def test_a_version_whose_baseline_was_away_for_a_moment_is_judged_once_more(service):
    service = watched(service)
    client, _ = register(service.store, count=2)
    client.set_registered_model_alias("vit", "champion", "1")
    look(service)
    ends(service, verdict="no_verdict", test_set=None)
    client.delete_registered_model_alias("vit", "champion")
    ends(service, state="failed")
    look(service)
    assert asked(service)[2:] == []
    client.set_registered_model_alias("vit", "champion", "1")
    look(service)
    ends(service, state="failed")
    look(service)
    assert asked(service)[2:] == [("vit", 2, "models:/vit/1")]
