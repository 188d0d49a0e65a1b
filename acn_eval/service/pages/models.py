"""Registered models and their versions, as far as jobs were about them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from acn_eval.errors import ConfigError
from acn_eval.service.asked import advice, times_asked
from acn_eval.service.pages.history import Chart, Judged, chart
from acn_eval.service.pages.job import verdict_of
from acn_eval.service.records import FINAL, Job
from acn_eval.service.service import Service
from acn_eval.service.tables import job as table

__all__ = ["facts", "listed"]

_MODELS, _VERSIONS = 50, 25  # of a page


@dataclass(frozen=True)
class Model:
    """A registered model: how many of its versions were asked about, and the latest one's job."""

    name: str
    versions: int
    latest: Job


def listed(service: Service, *, after: str | None) -> dict[str, Any]:
    """Return one page of models by name; `after` is the one that the last page ended with."""
    asked = (
        select(table.c.model, func.count(table.c.version.distinct()), func.max(table.c.version))
        .where(table.c.model.is_not(None))
        .group_by(table.c.model)
        .order_by(table.c.model)
        .limit(_MODELS + 1)
    )
    asked = asked.where(table.c.model > after) if after else asked
    with service.database.read() as connection:
        rows = connection.execute(asked).all()
    shown = [
        Model(name, count, service.jobs.page(model=name, version=last, limit=1)[0])
        for name, count, last in rows[:_MODELS]
    ]
    return {"models": shown, "after": shown[-1].name if len(rows) > _MODELS else None}


def facts(service: Service, name: str, *, before: int | None) -> dict[str, Any]:
    """Return one page of the versions of a model, the highest first; `before` is the last one's.

    Of each version and profile it is the latest job: a version may be judged again.

    Raises:
        ConfigError: no job was about such a model.
    """
    versions, found = _latest(service, name, before)
    if not found and not before:
        raise ConfigError(f"{name}: must be a registered model with an evaluated version")
    judged = [Judged(job, verdict_of(service, job)) for job in found]
    return {
        "name": name,
        "before": before,
        "open": sum(one.job.state not in FINAL for one in judged),
        "judged": judged,
        "charts": _charts(judged[::-1]),
        "advice": _advice(service, judged),
        "older": versions[_VERSIONS - 1] if len(versions) > _VERSIONS else None,
    }


def _latest(service: Service, name: str, before: int | None) -> tuple[list[int], list[Job]]:
    """Return versions of a page, and one more if there is one; and the page's jobs."""
    own = table.c.model == name
    page = own & (table.c.version < before) if before else own
    numbered = select(table.c.version).where(page).distinct().order_by(table.c.version.desc())
    with service.database.read() as connection:
        versions = [*connection.scalars(numbered.limit(_VERSIONS + 1))]
        latest = (
            select(func.max(table.c.id))
            .where(own & table.c.version.in_(versions[:_VERSIONS]))
            .group_by(table.c.version, table.c.profile)
            .order_by(table.c.version.desc(), func.max(table.c.id).desc())
        )
        numbers = [*connection.scalars(latest)]
    return versions, [service.jobs.job(number) for number in numbers]


def _advice(service: Service, judged: list[Judged]) -> list[tuple[str, bool]]:
    """Return how often each test set was asked, by all models, and whether that is too often."""
    levels = {j.job.test_set: j.verdict.alpha for j in judged if j.verdict}
    times = times_asked(service.database)
    asked = [(times[name], alpha) for name, alpha in levels.items() if name in times]
    return [(advice(count, alpha), count * alpha >= 1) for count, alpha in asked]


def _charts(judged: list[Judged]) -> dict[str | None, Chart]:
    """Return the charts of versions in order, by profile: each asks a question of its own."""
    profiles = dict.fromkeys(one.job.profile for one in judged)
    drawn = {p: chart([one for one in judged if one.job.profile == p]) for p in profiles}
    return {profile: found for profile, found in drawn.items() if found}
