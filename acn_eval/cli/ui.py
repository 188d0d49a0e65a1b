"""`acn-eval ui`: opens the recorded runs in MLflow."""

import signal
from pathlib import Path

import click

from acn_eval.terminal.console import say

__all__ = ["command"]


@click.command("ui", short_help="Open the recorded runs in MLflow.")
@click.option("--tracking-uri", metavar="URI", help="Store to show.  [default: ./mlflow.db]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    help="0 takes any that is free.",
)
def command(tracking_uri: str | None, port: int) -> None:
    """Start MLflow's server on this machine, without its heavy parts, and print the pages to open.

    The store is the one that the other commands write to: --tracking-uri, MLFLOW_TRACKING_URI, or
    mlflow.db in this folder. Ctrl-C ends the server.

    \b
    Examples:
      acn-eval ui
      acn-eval ui --port 0
      acn-eval ui --tracking-uri sqlite:////data/mlflow.db
    """  # noqa: D301 - click reads the backspace
    from acn_eval.tracking import chart_links, resolve_store, serving

    store = resolve_store(tracking_uri, cwd=Path.cwd())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        say(f"Starting MLflow on {store.shown}", err=True)
        with serving(store, port=port) as server:
            for name, link in (chart_links(server.address) or {"MLflow": server.address}).items():
                say(f"{name}  {link}")
            if server.process:
                say("Ctrl-C ends it.", err=True)
            server.wait()
    except KeyboardInterrupt:
        say("MLflow has ended.", err=True)
