"""`acn-eval watch`: follows the jobs of a service."""

import time
from functools import partial
from typing import TYPE_CHECKING

import click

from acn_eval.terminal.console import say
from acn_eval.terminal.options import Titled
from acn_eval.terminal.service_options import server_options

if TYPE_CHECKING:
    from acn_eval.client import Client

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval watch
  acn-eval watch 12

Exit codes of one job: that of its verdict, as `acn-eval gate`: 0 is PASS, 1 FAIL, 3 NO VERDICT;
2 a job that was refused; 4 one that failed or was cancelled, or a service that does not answer."""
_LOOK = 2.0  # seconds
_LATEST = 100  # jobs


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("number", metavar="[JOB]", required=False, type=click.IntRange(min=1))
@server_options
def command(server: str, token: str | None, number: int | None) -> int:
    """Follow one job until it ends, or print a line for every job that changes until Ctrl-C."""
    from acn_eval.client import Client
    from acn_eval.terminal.job_words import exit_code, follow, headline

    client = Client(server, token, say=partial(say, err=True))
    if number is None:
        _follow_all(client)
        return 0
    job = follow(client, number)
    say(headline(job))
    return exit_code(job)


def _follow_all(client: "Client") -> None:
    from itertools import islice

    from acn_eval.terminal.job_words import headline

    known: dict[int, str] = {}
    say("Ctrl-C stops it.", err=True)
    try:
        while True:
            for job in reversed([*islice(client.jobs(page=_LATEST), _LATEST)]):
                if known.get(job.id) != job.state:
                    known[job.id] = job.state
                    say(headline(job))
            time.sleep(_LOOK)
    except KeyboardInterrupt:
        return
