"""`acn-eval transfer`: probes of every depth of a frozen network."""

from collections.abc import Sequence
from typing import Any

import click

from acn_eval.terminal.options import (
    Titled,
    checkpoint_options,
    output_of,
    run_options,
    side_options,
)
from acn_eval.terminal.recording import recording

__all__ = ["command"]

_EPILOG = """\b
Examples:
  acn-eval transfer --ckpt digits04/ac_vit.pt
      networks of the digits 0 to 4, probed on 5 to 9
  acn-eval transfer --ckpt mine.pt \\
      --data npz:cifar100 --protocol ridge
      every penalty in closed form, for large data
  acn-eval transfer --ckpt digits04/ac_vit.pt \\
      --protocol acn-paper
      a linear probe, and fine-tuning of all weights
  acn-eval transfer --ckpt digits04/ac_vit.pt \\
      --suite transfer_noise
      the same probes on noisy examples

Protocols: linear (default), ridge, clip-a3, dinov2-logreg, ridge-fewshot, knn, acn-paper.
Without --data, the classes are those of the card's data set that are new to the networks."""


@click.command(cls=Titled, epilog=_EPILOG)
@side_options
@click.option("--suite", default="transfer", help="Shipped suite by name, or a YAML.")
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    metavar="NAME",
    show_default="the suite's",
    help="How probes are fitted and chosen; see below.",
)
@click.option(
    "--side-by-side",
    is_flag=True,
    help="Allow several protocols in one table: their numbers are not comparable.",
)
@checkpoint_options
def command(**given: Any) -> None:
    """Probe every depth of a frozen network on data that it was not trained on.

    Probes are fitted on training examples; penalties and depths are chosen on validation examples.
    The table shows the accuracy on test examples of each depth in both readings, with a baseline.
    """
    given["protocols"] = _known(given["protocols"], side_by_side=given["side_by_side"])
    given["side_by_side"] = given["side_by_side"] or None  # None keeps the suite's
    options, output = run_options("protocols", "side_by_side", **given), output_of(**given)
    with recording(options, output.json_file) as recorder:
        from acn_eval.terminal.measuring import measure  # imports torch

        measure(options, output, recorder, kind="transfer")


def _known(names: Sequence[str], *, side_by_side: bool) -> tuple[str, ...] | None:
    from acn_eval.errors import ConfigError
    from acn_eval.probes import PROTOCOLS

    for name in names:
        if name not in PROTOCOLS:
            known = ", ".join(PROTOCOLS)
            raise ConfigError(f"--protocol: must be one of {known}; got {name}")
    if len(set(names)) > 1 and not side_by_side:
        msg = f"--protocol: must be one; got {', '.join(names)}. Their numbers are not"
        raise ConfigError(f"{msg} comparable; --side-by-side shows them beside each other.")
    return tuple(names) or None
