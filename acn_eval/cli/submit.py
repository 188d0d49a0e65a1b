"""`acn-eval submit`: gives a job to a running service."""

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from acn_eval.terminal.console import say
from acn_eval.terminal.options import SEED, Titled
from acn_eval.terminal.service_options import server_options
from acn_eval.terminal.titled import titled

if TYPE_CHECKING:
    from acn_eval.client import Check, Evaluate, Judge

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval submit gate --wait \\
      --ckpt models:/vit/3 --baseline models:/vit@champion
  acn-eval submit robustness --data digits \\
      --ckpt models:/vit/3 models:/vit/4
  acn-eval submit check --wait
      measures nothing: shows that a worker takes jobs

Equal requests are one job until a worker takes it; after that, aliases and files are read anew.

Exit codes with --wait: that of the verdict, as `acn-eval gate`: 0 is PASS, 1 FAIL, 3 NO VERDICT;
2 a job that was refused; 4 one that failed or was cancelled, or a service that does not answer."""
_network, _data = titled("Networks"), titled("Data")


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("what", metavar="SUITE|gate|check")
@_network("--ckpt", multiple=True, listed=True, metavar="URI...", help="Checkpoints.")
@_network(
    "--baseline",
    multiple=True,
    listed=True,
    metavar="URI...",
    show_default="the card's",
    help="Baseline.",
)
@click.option(
    "--suite", "gate", default="gate", metavar="NAME", help="The gate, where it is another one."
)
@click.option("--name", help="Tells two checks apart.")
@click.option("--wait", is_flag=True, help="Follow the job, and exit with its verdict.")
@_data("--data", metavar="NAME", show_default="what the card names", help="Data.")
@_data("--limit", type=click.IntRange(min=2), help="Number of test examples.")
@_data("--classes", metavar="LIST", help="Use these classes only: names, or 0-4,7.")
@_data(
    "--class-order",
    type=click.Choice(["position", "name", "imagenet"]),
    help="What logit i of a network without class names stands for.",
)
@_data("--restrict", is_flag=True, help="Predict among the classes of the data only.")
@_data("--seed", type=SEED, show_default="the suite's", help="Seed of the noise; not for a gate.")
@_data("--metric", show_default="that of the data", help="Metric; not for a gate.")
@server_options
def command(server: str, token: str | None, wait: bool, **given: Any) -> int:
    """Submit a suite, a gate or a check to a running service, see `acn-eval serve`.

    Checkpoints are addresses that the service may read: models:/NAME/3, models:/NAME@ALIAS,
    runs:/ID/PATH, shipped ones, and files below the folders that its configuration names.
    """
    from acn_eval.client import Client
    from acn_eval.terminal.job_words import exit_code, follow, headline

    request = _request(**given)
    client = Client(server, token, say=partial(say, err=True))
    job = client.submit(request)
    if not wait:
        say(headline(job))
        say(f"Follow it: acn-eval watch {job.id}", err=True)
        return 0
    job = follow(client, job.id)
    say(headline(job))
    return exit_code(job)


def _request(what: str, gate: str, name: str | None, **given: Any) -> "Check | Evaluate | Judge":
    from acn_eval.client import Check, Evaluate, Judge

    if what == "check":
        return Check(name=name or "")
    if not given["ckpt"]:
        raise click.UsageError("--ckpt must name a checkpoint")
    data = {
        "name": given["data"] or "",
        "limit": given["limit"],
        "classes": [part.strip() for part in (given["classes"] or "").split(",") if part.strip()],
        "class_order": given["class_order"],
        "restricted": given["restrict"],
    }
    if what != "gate":
        return Evaluate.model_validate(
            {
                "suite": what,
                "candidates": given["ckpt"],
                "baselines": given["baseline"] or None,
                "data": data,
                "seed": given["seed"],
                "metric": given["metric"],
            }
        )
    if len(given["ckpt"]) != 1 or len(given["baseline"]) != 1:
        raise click.UsageError("a gate judges one --ckpt against one --baseline")
    if given["seed"] is not None or given["metric"]:
        raise click.UsageError("a gate states its own seed and metric")
    (candidate,), (baseline,) = given["ckpt"], given["baseline"]
    return Judge.model_validate(
        {"gate": gate, "candidate": candidate, "baseline": baseline, "data": data}
    )
