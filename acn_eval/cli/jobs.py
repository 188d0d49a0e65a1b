"""`acn-eval jobs`: what a service has done, does, and will do."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, update_wrapper
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from acn_eval.terminal.console import say, write_json
from acn_eval.terminal.service_options import other_server_options, server_options

if TYPE_CHECKING:
    from acn_eval.client import Client

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval jobs
  acn-eval jobs --state running --model vit
  acn-eval jobs show 12
  acn-eval jobs cancel 12
  acn-eval jobs retry 12"""
_STATES = ("queued", "running", "done", "failed", "refused", "cancelled")
_number = click.argument("number", metavar="JOB", type=click.IntRange(min=1))


def _client(command: Callable[..., None]) -> Callable[..., Any]:
    """Give a command the client of its group; its own options may name another server."""

    @other_server_options
    @click.pass_obj
    def run(client: "Client", /, server: str | None, token: str | None, **given: Any) -> None:
        named = replace(client, url=server or client.url, token=token or client.token)
        command(named, **given)

    return update_wrapper(run, command)


@click.group(invoke_without_command=True, epilog=_EPILOG)
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these.")
@click.option("--model", help="Only those about versions of this registered model.")
@click.option("--limit", type=click.IntRange(min=1), default=20, help="The latest so many.")
@server_options
@click.pass_context
def command(
    context: click.Context,
    server: str,
    token: str | None,
    states: tuple[str, ...],
    model: str | None,
    limit: int,
) -> None:
    """List the jobs of a running service, the latest first; or show, cancel or retry one."""
    from acn_eval.client import Client
    from acn_eval.terminal.job_words import show_jobs

    context.obj = client = Client(server, token, say=partial(say, err=True))
    if context.invoked_subcommand is None:
        found = client.jobs(states=states, model=model, page=min(limit, 200))
        show_jobs(islice(found, limit))


@command.command()
@_number
@click.option(
    "--json", "json_file", metavar="FILE|-", help="Write everything as JSON, with the verdict."
)
@_client
def show(client: "Client", number: int, json_file: str | None) -> None:
    """Show a job: what was asked, who has it, how far it is, what it found."""
    from acn_eval.terminal.job_words import show_job

    job = client.job(number)
    if json_file != "-":
        show_job(job)
    if json_file:
        write_json(json_file, job.model_dump(mode="json"))


@command.command()
@_number
@_client
def cancel(client: "Client", number: int) -> None:
    """Cancel a job: at once if it waits, soon if it runs."""
    from acn_eval.service.records import FINAL
    from acn_eval.terminal.job_words import headline

    job = client.cancel(number)
    if job.state in FINAL and job.state != "cancelled":
        say(f"nothing was cancelled, because job {number} has ended", err=True)
    say(headline(job))


@command.command()
@_number
@_client
def retry(client: "Client", number: int) -> None:
    """Queue a job once more that failed, was refused or cancelled."""
    from acn_eval.terminal.job_words import headline

    say(headline(client.retry(number)))
