"""`acn-eval cache`: the cache of finished outcomes."""

import click

from acn_eval.terminal.console import say

__all__ = ["command"]


@click.group()
def command() -> None:
    """Show or prune the cache of finished outcomes.

    It lies in the user's cache folder, or where ACN_EVAL_CACHE points: a folder, or an address
    such as s3://bucket/outcomes. It also holds an empty MLflow database, which new stores are
    copied from. Removing it costs nothing but time: missing outcomes are measured again. A place
    that holds other files is refused, and such files are never removed.
    """


@command.command()
def info() -> None:
    """Print where the cache is and how large."""
    from acn_eval.cache import default_store

    store = default_store()
    say(f"{store.where}: {store.size() / 1e6:,.1f} MB of {store.limit / 1e6:,.0f} MB")


@command.command()
@click.option("--max-mb", type=click.IntRange(min=0), required=True, help="0 removes all.")
def prune(max_mb: int) -> None:
    """Remove the least recently used outcomes until at most MAX_MB are left."""
    from acn_eval.cache import default_store

    freed = default_store().trim(max_mb * 1_000_000)
    say(f"freed {freed / 1e6:,.1f} MB")
