"""`acn-eval serve`: new versions in the model registry are evaluated by themselves."""

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acn_eval import atomic
from acn_eval.errors import ConfigError
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

if TYPE_CHECKING:
    from acn_eval.service.service import Service

__all__ = ["command"]

_EXAMPLE = """\
profiles:
  - name: main                # part of every job's key: another name asks again
    models: "*"               # names of registered models, as in "vit-*"
    baseline: res_vit.pt      # or "@champion", "previous", models:/NAME/3
    data: {name: digits}      # left out: what the card of the version names
"""
_EPILOG = """\b
Examples:
  acn-eval serve --init
  acn-eval serve --config service.yaml
  acn-eval serve --config service.yaml \\
      --host 0.0.0.0 --workers 4 \\
      --database postgresql://acn@db/acn_eval \\
      --tracking-uri http://mlflow:5000

\b
From another terminal:
  acn-eval submit check --wait
  acn-eval watch

Ctrl-C and SIGTERM end it within --grace: running jobs are finished or put back, none is lost.
A second one ends it at once. Where others than this machine reach it, people need tokens:
`acn-eval token create`. More workers, here or elsewhere: `acn-eval worker`."""


@click.command(cls=Titled, epilog=_EPILOG)
@config_option
@click.option("--init", is_flag=True, help="Write service.yaml, an example, and stop.")
@click.option("--host", default="127.0.0.1", help="Where it listens; 0.0.0.0 is everywhere.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, help="Port; 0 takes one that is free."
)
@click.option(
    "--workers",
    type=click.IntRange(0, 64),
    default=1,
    help="Processes that take jobs; 0 leaves them to `acn-eval worker`.",
)
@click.option(
    "--poll",
    type=Range(0.2, 86400),
    show_default="30, or the configuration's",
    help="Seconds between two looks at the registry.",
)
@click.option("--grace", type=Range(1, 3600), default=30.0, help="Seconds in which it ends.")
@engine_options_of_jobs
@home_option
@database_option
@tracking_option
def command(
    init: bool,
    config: Path | None,
    poll: float | None,
    home: Path,
    database: str | None,
    tracking_uri: str | None,
    **given: Any,
) -> int:
    """Watch the model registry, evaluate what appears, answer over HTTP, and show it on a page.

    Every new version of a registered model that a profile names is measured against its baseline
    and judged by a gate; the verdict becomes tags of the version. Without --config nothing is
    evaluated by itself, but jobs can be submitted.
    """
    if init:
        return _written(config or Path("service.yaml"))
    engine_choice(engine=given["engine"], workers=given["engine_workers"])  # that of its workers
    with service_extra("acn-eval serve"):
        from acn_eval.service.opening import open_service
        from acn_eval.service.serving import Plan, serve

    url = database_url(database, home)
    service = open_service(home, database=url, config=config, tracking_uri=tracking_uri)
    if poll is not None:
        settings = service.settings.model_copy(update={"poll_seconds": poll})
        service = replace(service, settings=settings)
    for line in _greeting(service):
        say(line)
    stop = threading.Event()
    _hear_signals(stop)
    serve(service, Plan(config=config, **given), say, stop)
    say("the service has ended")
    return 0


def _greeting(service: "Service") -> Iterator[str]:
    yield f"jobs and tokens: {service.database.where}"
    yield f"MLflow: {service.store.shown}"
    for profile in service.settings.profiles:
        yield (
            f"profile {profile.name}: versions of {profile.models} are judged by {profile.gate} "
            f"against {profile.baseline}"
        )
    if not service.settings.profiles:
        yield "no profile: versions are not evaluated by themselves; a file for --config may say"
        yield from (f"  {line}" for line in _EXAMPLE.splitlines())


def _hear_signals(stop: threading.Event) -> None:
    """Let the first signal ask for the end, and the second one end everything at once."""

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)


def _written(file: Path) -> int:
    if file.exists():
        raise ConfigError(f"{file}: must not be there yet; it would be overwritten")
    atomic.write(file, _EXAMPLE)
    say(f"{file} is written. Start it: acn-eval serve --config {file}")
    return 0
