"""Metrics: what Prometheus reads is what the tables hold."""

from dataclasses import replace
from importlib.metadata import version

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert, update

from acn_eval.service import tables as t
from acn_eval.service.requests import Check


def scraped(client):
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name.removeprefix("acn_eval_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_scrape_of_an_empty_service_parses(client):
    found = scraped(client)
    assert found["jobs", "queued"] == found["jobs", "refused"] == found["workers",] == 0
    assert found["build_info", version("acn-eval")] == 1


def test_metrics_are_those_of_the_tables(asking, service, either):
    service = replace(service, database=either)
    client = asking(service)
    for name in "abc":
        service.jobs.submit(Check(name=name), by="me")
    claim = service.jobs.claim("w")
    service.jobs.finish(claim, "done", result={"verdict": "pass", "test_set": "f"})
    now = service.database.now
    with service.database.write() as connection:
        connection.execute(insert(t.delivery).values(id="d", at=now, result="forged"))
        connection.execute(insert(t.worker).values(name="w", started=now, seen=now, acn_eval="1"))
        first = t.job.c.id == claim.id
        connection.execute(update(t.job).where(first).values(lost=2, finished=t.job.c.started + 9))
    found = scraped(client)
    assert (found["jobs", "queued"], found["jobs", "done"]) == (2, 1)
    assert [found["job_seconds_bucket", "check", le] for le in ("5.0", "15.0", "+Inf")] == [
        0,
        1,
        1,
    ]
    assert abs(found["job_seconds_sum", "check"] - 9) < 1e-3
    assert (found["verdicts_total", "pass"], found["deliveries_total", "forged"]) == (1, 1)
    assert (found["lease_losses_total",], found["workers",]) == (2, 1)
    assert 0 <= found["queue_age_seconds",] < 60
