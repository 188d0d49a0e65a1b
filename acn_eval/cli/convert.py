"""`acn-eval convert SOURCE OUT`: from what you trust to tensors with a card."""

from pathlib import Path
from typing import Any

import click

from acn_eval.lazy import uncollected
from acn_eval.terminal.console import say
from acn_eval.terminal.options import FILE, Titled, tracking_option

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval convert vit.pth vit.safetensors \\
      --model timm:vit_tiny_patch16_224
      a state dict: nothing is run
  acn-eval convert --trust models:/vit/2 vit.safetensors
      what MLflow pickled or exported: this runs it
  acn-eval robustness --ckpt vit.safetensors

A network of timm says by itself which it is. An exported one (.pt2) does not: name it with
--model, and with --argument what it was made with. Classes of your own are measured by
module:FILE.py:FUNCTION@WEIGHTS instead."""


def _several(kind: Any) -> Any:
    """Return a callback that splits at commas; None where nothing is given."""

    def split(context: click.Context, option: click.Parameter, text: str | None) -> Any:
        try:
            return [kind(part.strip()) for part in text.split(",")] if text else None
        except ValueError as exc:
            raise click.BadParameter(str(exc)) from exc

    return split


def _arguments(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> Any:
    pairs = [part.partition("=") for part in given]
    if not all(name and value.isdecimal() for name, _, value in pairs):
        raise click.BadParameter("must be NAME=NUMBER")
    return {name: int(value) for name, _, value in pairs} or None


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("source")
@click.argument("out", type=FILE)
@click.option("--trust", is_flag=True, help="Run the code that SOURCE contains or names.")
@click.option("--model", metavar="timm:NAME", help="The network, where SOURCE does not say it.")
@click.option(
    "--argument",
    "arguments",
    multiple=True,
    callback=_arguments,
    metavar="NAME=NUMBER",
    help="What it was made with, such as img_size=32; repeated.",
)
@click.option("--size", type=click.IntRange(1, 1024), help="Side of its images in pixels.")
@click.option("--classes", callback=_several(str), metavar="LIST", help="Names by logit.")
@click.option(
    "--mean", callback=_several(float), metavar="LIST", help="Of pixels in [0, 1], by channel."
)
@click.option("--std", callback=_several(float), metavar="LIST", help="Likewise.")
@click.option("--data", metavar="NAME", help="Data that it was trained on.")
@tracking_option
def command(source: str, out: Path, trust: bool, tracking_uri: str | None, **stated: Any) -> None:
    """Write SOURCE as OUT.safetensors with a card, which every command reads.

    SOURCE is a file of torch.save or torch.export, or a model in MLflow. Only its owner should
    say --trust: it runs whatever the file contains. Afterwards nobody has to. The copy must answer
    like the source, or nothing is written. OUT.card.yaml states classes and preprocessing: check
    them, because a network does not know them.
    """
    with uncollected():
        from acn_eval.checkpoints.convert import convert

    fields = {name: value for name, value in stated.items() if value}
    made = convert(source, out, fields, trust=trust, tracking_uri=tracking_uri)
    say(f"{out}: {made.id.parameters:,} parameters, {len(made.classes)} classes")
