"""Stored results and comparisons over HTTP."""

from tests.fakes import saved_pair


def test_a_result_is_shown_by_its_key(client, service, refused):
    (ours, _), _, _ = saved_pair(service.home / "results")
    said = client.get(f"/v1/results/{ours.key}").json()
    assert (said["name"], said["n"]) == ("ac_vit", ours.data.n)
    assert said["cells"][0]["mean"] == ours.records()[0]["mean"]
    assert "`key`" in refused(422, "GET", "/v1/results/..%5c")


def test_two_results_are_compared(client, service):
    (ours, theirs), (comparison,), _ = saved_pair(service.home / "results")
    asked = {"candidate": ours.key, "baseline": theirs.key}
    said = client.get("/v1/compare", params=asked).json()
    assert (said["verdict"], said["sentence"]) == ("better", comparison.answer)
    assert said["comparison"]["n"] == comparison.n
