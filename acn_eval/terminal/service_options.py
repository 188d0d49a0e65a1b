"""Options of the commands of the service, and what they need installed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from acn_eval.errors import MissingExtra
from acn_eval.terminal.options import FILE
from acn_eval.terminal.titled import titled

__all__ = [
    "config_option",
    "database_option",
    "database_url",
    "engine_options_of_jobs",
    "home_option",
    "other_server_options",
    "server_options",
    "service_extra",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_EXTRA = {"alembic", "fastapi", "prometheus_client", "uvicorn"}
_place, _server, _engine = titled("Place"), titled("Server"), titled("Measurement")

config_option = _place(
    "--config",
    type=FILE,
    metavar="YAML",
    help="Profiles and limits of the service, see docs/service.md.",
)
home_option = _place(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("acn-service"),
    envvar="ACN_EVAL_HOME",
    help="Folder of its database, results and logs.",
)
database_option = _place(
    "--database",
    metavar="URL",
    envvar="ACN_EVAL_DATABASE",
    show_default="service.db in --home",
    help="Jobs and tokens: sqlite:///FILE or postgresql://...",
)


def engine_options_of_jobs(command: _Command) -> _Command:
    """Add the options that say where a job is computed."""
    for option in (
        _engine(
            "--engine-workers",
            type=click.IntRange(1, 4096),
            show_default="one per GPU or core",
            help="Workers of the engine of a job.",
        ),
        _engine(
            "--engine",
            metavar="NAME",
            show_default="local, or processes with --engine-workers",
            help="Where a job is computed: local (its own process), processes, ray, or "
            "ray://ADDRESS.",
        ),
    ):
        command = option(command)
    return command


def server_options(command: _Command) -> _Command:
    """Add the options that name a running service."""
    for option in (
        _server(
            "--token",
            envvar="ACN_EVAL_TOKEN",
            metavar="TOKEN",
            help="Token, where it asks for one; better in the environment than in a command.",
        ),
        _server(
            "--server",
            envvar="ACN_EVAL_SERVER",
            metavar="URL",
            default="http://127.0.0.1:8000",
            help="Address of the service.",
        ),
    ):
        command = option(command)
    return command


def other_server_options(command: _Command) -> _Command:
    """Add the same options to a command of a group that has them: they count where given."""
    for name, metavar in (("--token", "TOKEN"), ("--server", "URL")):
        command = _server(name, metavar=metavar, help="As before the command.")(command)
    return command


def database_url(database: str | None, home: Path) -> str:
    """Return the URL of the service's database: the one given, else a file in its folder."""
    return database or f"sqlite:///{home.absolute() / 'service.db'}"


@contextmanager
def service_extra(what: str) -> Iterator[None]:
    """Import below it: a package of the extra that is not installed is `MissingExtra`."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if exc.name in _EXTRA:
            raise MissingExtra(what, "service") from exc
        raise
