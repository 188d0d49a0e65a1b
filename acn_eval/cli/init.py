"""`acn-eval init DATA`: recipes and a suite that fit data of one's own."""

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from acn_eval.lazy import uncollected
from acn_eval.terminal.console import console, say, show_warnings
from acn_eval.terminal.options import Titled, data_root_option

if TYPE_CHECKING:
    from acn_eval.workflow.starting import Found, Study

__all__ = ["command"]

_SHOWN = 10
_EPILOG = """\b
Examples:
  acn-eval init folder:photos
  acn-eval init npz:scans --out scans-study --steps 2000

DATA needs images to train on and images to test on: `acn-eval list data` names the layouts. The
files are a start to edit; each number in the recipes has its reason beside it."""


@click.command(cls=Titled, epilog=_EPILOG)
@click.argument("data")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("study"),
    help="Folder for the files; none is replaced.",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 10_000_000),
    show_default="by the number of images",
    help="Steps of each training.",
)
@data_root_option
def command(data: str, out: Path, steps: int | None, data_root: Path | None) -> None:
    """Write recipes and a suite that fit DATA, and print the next commands.

    The recipes are an ACN and its residual twin, of sizes by the number of the images and their
    resolution. The suite and the gate have margins that the test images can support.
    """
    with uncollected():
        from acn_eval.workflow.starting import begin  # imports torch

    study = begin(data, out, data_root, steps)
    for line in (*_found(data, study.found), *_written(study), *_next(study)):
        say(line)
    show_warnings(console(), study.found.train.notes)


def _found(data: str, found: "Found") -> list[str]:
    own, color = found.sizes, "gray" if found.sizes.gray else "color"
    spans = " to ".join(dict.fromkeys(f"{w} x {h}" for w, h in (own.smallest, own.largest)))
    names = found.train.classes
    counts = Counter(found.train.labels.tolist())
    listed = [f"{name} {counts[i]:,}" for i, name in enumerate(names[:_SHOWN])]
    more = [f"{len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    return [
        f"{data}: {len(found.train):,} images to train on, {len(found.validation):,} to validate, "
        f"{len(found.test):,} to test; {spans} pixels, {color}",
        f"{len(names):,} classes in train: {', '.join([*listed, *more])}",
        "",
    ]


def _written(study: "Study") -> list[str]:
    own, margin = study.fitted, round(100 * study.margin)
    points = f"{margin} point{'s' if margin > 1 else ''}"
    tokens = f"{own.side // own.patch} x {own.side // own.patch} tokens"
    return [
        f"{study.acn}: ACN, {own.depth} blocks of width {own.width}, {tokens} of {own.patch} x "
        f"{own.patch} pixels, {own.steps:,} steps of {own.batch} images",
        f"{study.residual}: its residual twin",
        f"{study.suite}: accuracy under noise; a tie is within {points}",
        f"{study.gate}: not worse by more than {points}",
        "",
    ]


def _next(study: "Study") -> list[str]:
    recipes = study.acn, study.residual
    acn, residual = (str(path.with_suffix(".pt")) for path in recipes)
    commands: list[list[str]] = [
        *(["train", str(path), "--out", str(path.with_suffix(".pt"))] for path in recipes),
        ["robustness", "--ckpt", acn, "--suite", str(study.suite)],
        ["gate", "--ckpt", acn, "--baseline", residual, "--suite", str(study.gate)],
    ]
    return ["Next:", *(f"  acn-eval {shlex.join(command)}" for command in commands)]
