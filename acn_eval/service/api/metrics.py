"""What Prometheus scrapes, computed from the tables, which all processes share."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from sqlalchemy import Column, Connection, case, func, select

from acn_eval.service import tables as t
from acn_eval.service.access.guards import needs
from acn_eval.service.api.state import Here, Watched
from acn_eval.service.jobs import LEASE
from acn_eval.service.records import FINAL
from acn_eval.service.service import Service
from acn_eval.service.workers import Workers

__all__ = ["ROUTER"]

ROUTER = APIRouter(tags=["health"])
_STATES = ("queued", "running", *FINAL)
_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600)


@ROUTER.get("/metrics", response_class=PlainTextResponse, dependencies=[Depends(needs("read"))])
def metrics(request: Request, service: Here) -> Response:
    """Return metrics in the format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Tables(service, request.app.state.watcher))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Tables(Collector):
    """The metrics of a service; what is pruned from its tables is no longer counted."""

    def __init__(self, service: Service, watcher: Watched | None) -> None:
        self._service, self._watcher = service, watcher

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering asks no table."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        with self._service.database.read() as connection:
            yield self._jobs(connection)
            yield _seconds(connection)
            yield from self._queue(connection)
            yield _counted(connection, "verdicts", "Verdicts.", "verdict", t.job.c.verdict)
            yield _counted(
                connection, "deliveries", "Webhooks received.", "result", t.delivery.c.result
            )
        if self._watcher is not None:
            lag = "Seconds since the registry was last read."
            yield GaugeMetricFamily("acn_eval_poll_lag_seconds", lag, self._watcher.lag)
        build = {"version": version("acn-eval")}
        yield InfoMetricFamily("acn_eval_build", "What runs.", build)

    def _jobs(self, connection: Connection) -> Metric:
        found = GaugeMetricFamily("acn_eval_jobs", "Jobs by state.", labels=["state"])
        counts = dict(_by(connection, t.job.c.state))
        for state in _STATES:
            found.add_metric([state], counts.get(state, 0))
        return found

    def _queue(self, connection: Connection) -> Iterator[Metric]:
        now = self._service.database.now
        waits = (t.job.c.state == "queued") & (t.job.c.not_before <= now)
        age = connection.scalar(select(now - func.min(t.job.c.not_before)).where(waits))
        line = "Seconds for which the job that has waited longest could have been taken."
        yield GaugeMetricFamily("acn_eval_queue_age_seconds", line, age or 0.0)
        alive = len(Workers(self._service.database).alive(LEASE))
        yield GaugeMetricFamily("acn_eval_workers", "Workers that take jobs.", alive)
        lost = connection.scalar(select(func.sum(t.job.c.lost))) or 0
        line = "Times that a worker did not come back and another one took its job."
        yield CounterMetricFamily("acn_eval_lease_losses", line, lost)


def _by(connection: Connection, column: Column[Any]) -> list[tuple[str, int]]:
    asked = select(column, func.count()).where(column.is_not(None)).group_by(column)
    return [(name, count) for name, count in connection.execute(asked)]


def _counted(
    connection: Connection, name: str, line: str, label: str, column: Column[Any]
) -> Metric:
    found = CounterMetricFamily(f"acn_eval_{name}", line, labels=[label])
    for value, count in _by(connection, column):
        found.add_metric([value], count)
    return found


def _seconds(connection: Connection) -> Metric:
    """Return how long jobs took, from their first start to their end; the database counts."""
    took = t.job.c.finished - t.job.c.started
    within = [func.sum(case((took <= most, 1), else_=0)) for most in _SECONDS]
    asked = (
        select(t.job.c.kind, func.sum(took), func.count(), *within)
        .where(t.job.c.state == "done", took.is_not(None))
        .group_by(t.job.c.kind)
    )
    line = "Seconds that jobs took which are done, with their repetitions."
    found = HistogramMetricFamily("acn_eval_job_seconds", line, labels=["kind"])
    for kind, total, count, *cumulated in connection.execute(asked):
        ends = [*((str(float(most)), n) for most, n in zip(_SECONDS, cumulated, strict=True))]
        found.add_metric([kind], [*ends, ("+Inf", count)], total)
    return found
