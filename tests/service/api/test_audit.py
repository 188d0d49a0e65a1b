"""Who did what, over HTTP."""


def test_what_was_done_is_listed_the_latest_first(client):
    for name in "ab":
        client.post("/v1/jobs", json={"kind": "check", "name": name})
    client.post("/v1/jobs", json={"kind": "check", "name": "a"})
    client.delete("/v1/jobs/1")
    client.post("/v1/jobs/1/retry")
    first = client.get("/v1/audit?limit=3").json()
    assert [(item["what"], item["detail"]) for item in first["items"]] == [
        ("job retried", "job 1"),
        ("job cancelled", "job 1"),
        ("job submitted", "job 2"),
    ]
    assert {item["who"] for item in first["items"]} == {"this machine"}
    last = client.get(f"/v1/audit?before={first['next']}").json()
    assert ([item["detail"] for item in last["items"]], last["next"]) == (["job 1"], None)
