"""`acn-eval ui`: opens the recorded runs in MLflow."""

import signal
from pathlib import Path

import click

from acn_eval.terminal.console import say
from acn_eval.terminal.options import Titled, tracking_option

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval ui
  acn-eval ui --port 0
  acn-eval ui --tracking-uri sqlite:////data/mlflow.db"""


@click.command(cls=Titled, epilog=_EPILOG)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=5000, help="Port; 0 takes one that is free."
)
@tracking_option
def command(tracking_uri: str | None, port: int) -> None:
    """Start MLflow's server on this machine, and print the pages to open.

    It shows the store that the other commands write to, without MLflow's heavy parts. Ctrl-C
    stops it.
    """
    from acn_eval.stores import resolve_store
    from acn_eval.tracking import chart_links, serving

    store = resolve_store(tracking_uri, cwd=Path.cwd())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        say(f"Starting MLflow on {store.shown}", err=True)
        with serving(store, port=port) as server:
            for name, link in (chart_links(server.address) or {"MLflow": server.address}).items():
                say(f"{name}  {link}")
            if server.process:
                say("Ctrl-C stops it.", err=True)
            server.wait()
    except KeyboardInterrupt:
        say("MLflow has stopped.", err=True)
