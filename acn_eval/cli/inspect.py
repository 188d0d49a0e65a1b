"""`acn-eval inspect CKPT`: what a checkpoint or a file of anyone is, and what it lacks."""

import shlex
from pathlib import Path

import click

from acn_eval.lazy import uncollected
from acn_eval.terminal.console import console, say
from acn_eval.terminal.options import FILE, Titled, reading_options, tracking_option
from acn_eval.terminal.tables import Column, show_table

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval inspect ac_vit.pt
  acn-eval inspect weights.pth --card weights.card.yaml
  acn-eval inspect models:/vit@champion

Nothing in a file is run. Weights without a name are compared with every network of timm and
torchvision that has their keys and shapes, which takes some seconds. A card lies beside its
weights and has their name: weights.card.yaml for weights.pth."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("ckpt")
@click.option("--card", type=FILE, help="Write a card for weights without one, to be filled in.")
@tracking_option
@reading_options
def command(ckpt: str, card: Path | None, tracking_uri: str | None) -> None:
    """Say what CKPT is, what it would be asked, and what it lacks.

    CKPT is what --ckpt takes in other commands, or any file or folder: a checkpoint, weights of
    somebody, a model of Hugging Face or MLflow, a pickle.
    """
    with uncollected():
        from acn_eval.terminal.progress import bar
        from acn_eval.workflow.inspecting import inspect

    with bar("comparing with networks of libraries", "networks") as move:
        seen = inspect(ckpt, card=card, tracking_uri=tracking_uri, progress=move)
    facts = [(label, w.replace("`trust`", "--trust")) for label, w in seen.facts if w]
    lacks = [("lacks", words) for words in seen.lacks]
    show_table(console(), (Column(ckpt), Column("", text=True)), [*facts, *lacks])
    for uri in seen.uris[:1]:
        say(f"Measure it: acn-eval robustness --ckpt {shlex.quote(uri)}")
    if seen.card and not card:
        say(
            f"Write its card: acn-eval inspect {shlex.quote(ckpt)} --card {shlex.quote(seen.card)}"
        )
    if card:
        say(f"{card}: fill in the names of the classes, and check the rest")
