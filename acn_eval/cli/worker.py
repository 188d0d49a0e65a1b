"""`acn-eval worker`: does the jobs of a service, on this machine or another."""

from pathlib import Path
from typing import Any

import click

from acn_eval.terminal.console import say
from acn_eval.terminal.engine_options import engine_choice
from acn_eval.terminal.options import Range, Titled, tracking_option
from acn_eval.terminal.service_options import (
    config_option,
    database_option,
    database_url,
    engine_options_of_jobs,
    home_option,
    service_extra,
)

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval worker --threads 4
      beside a server with the same --home
  acn-eval worker --config service.yaml \\
      --database postgresql://acn@db/acn_eval \\
      --tracking-uri http://mlflow:5000
      on any machine; its password is in PGPASSWORD
  acn-eval worker --engine processes --engine-workers 8
      each job is measured by eight processes

Each job runs in a process of its own: a crash, a time-out or memory that runs out ends the
job and not the worker. SIGTERM and Ctrl-C let the job go on for --grace, then put it back;
what it has measured stays in the cache, from which any worker on this machine resumes. A
second one puts it back at once. A worker that is killed loses its job after a minute, and
another one takes it."""


@click.command(cls=Titled, epilog=_EPILOG)
@config_option
@click.option("--name", show_default="host and process", help="Its name; no two may share one.")
@click.option("--grace", type=Range(0, 86400), default=30.0, help="Seconds for a job at the end.")
@click.option(
    "--warm/--no-warm",
    default=True,
    help="Keep a process that has imported torch for the next job, once there was one.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    show_default="torch's own number",
    help="Threads of a job, or of each worker of its engine, where several share a machine.",
)
@engine_options_of_jobs
@home_option
@database_option
@tracking_option
def command(
    home: Path, database: str | None, config: Path | None, tracking_uri: str | None, **given: Any
) -> None:
    """Do the jobs of a service, one at a time, until it is stopped.

    `acn-eval serve` starts one itself. Any number of workers may run, on any machines that reach
    the service's database and the MLflow store; no two do the same job.
    """
    engine = engine_choice(
        engine=given.pop("engine"),
        workers=given.pop("engine_workers"),
        threads=given.pop("threads"),
    )
    with service_extra("acn-eval worker"):
        from acn_eval.service.opening import open_service
        from acn_eval.service.working import work

    url = database_url(database, home)
    service = open_service(home, database=url, config=config, tracking_uri=tracking_uri)
    work(service, say, engine=engine, **given)
