"""Options that several commands share."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from acn_eval.gate import Gate

__all__ = [
    "SEED",
    "Range",
    "data_options",
    "gate_place_options",
    "of_gate",
    "output_options",
    "place_options",
    "side_options",
    "training_options",
]

SEED = click.IntRange(-(2**63), 2**63 - 1)
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Range(click.FloatRange):
    """A range of numbers; NaN is in none, though it is not outside of any either."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail as a usage error."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail("nan is no number.", param, ctx)
        return number


def _stack(*options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


side_options = _stack(
    click.option(
        "--ckpt",
        required=True,
        multiple=True,
        metavar="FILE",
        help="Checkpoint; several (repeated, comma or quoted pattern) are seeds of one network.",
    ),
    click.option(
        "--baseline", multiple=True, metavar="FILE", help="What it is compared with; likewise."
    ),
    click.option(
        "--no-baseline", is_flag=True, help="Measure alone, even where the card has a twin."
    ),
    click.option(
        "--arch", help="official/ac-mixer or official/res-mixer, for the authors' files."
    ),
    click.option("--baseline-arch", help="The same, for --baseline."),
    click.option(
        "--crop-pct",
        type=Range(0.1, 2),
        help="Share of the resized side that is cropped [default: what the checkpoint states].",
    ),
    click.option(
        "--crop-mode",
        type=click.Choice(["center", "squash", "border"]),
        help="Resize the short side, both, or the long one [default: likewise].",
    ),
    click.option(
        "--interpolation",
        type=click.Choice(["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]),
        help="Pillow's filter for resizing [default: likewise].",
    ),
)
data_options = _stack(
    click.option(
        "--data",
        default="",
        metavar="NAME",
        help="digits, cifar10, cifar100, npz:PATH or folder:PATH [default: what the card names].",
    ),
    click.option(
        "--data-root",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="ACN_EVAL_DATA",
        help="Folder that holds data sets [env: ACN_EVAL_DATA; default: ./data].",
    ),
    click.option(
        "--limit", type=click.IntRange(min=2), help="Only the first N, in a keyed order."
    ),
    click.option(
        "--classes", default="", metavar="LIST", help="Only these classes: names, or 0-4,7."
    ),
    click.option(
        "--class-map",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="YAML: class of the data -> class of the model, where the names differ.",
    ),
    click.option(
        "--class-order",
        type=click.Choice(["position", "name"]),
        help="How a network counts that does not name its classes (timm's): by position, in the "
        "order of the data's (those of a folder are sorted as text, 0, 1, 10, 2, as torchvision's "
        "ImageFolder does), or by name, i is the class called i [default: where both agree].",
    ),
    click.option("--restrict", is_flag=True, help="Predict among the classes of the data only."),
)
_machine_options = (
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps."),
    click.option("--batch-size", type=click.IntRange(min=1), default=256, show_default=True),
    click.option(
        "--precision",
        type=click.Choice(["auto", "fp32", "bf16"]),
        default="auto",
        show_default=True,
        help="auto measures whether bf16 pays on a large job; the choice is recorded.",
    ),
    click.option("--no-cache", is_flag=True, help="Measure anew what the cache already holds."),
)
place_options = _stack(
    *_machine_options,
    click.option("--seed", type=SEED, default=0, show_default=True, help="Of the noise."),
)
gate_place_options = _stack(
    *_machine_options,
    click.option("--seed", type=SEED, help="Of the noise [default: the gate's]; see --limit."),
)


def of_gate(options: Mapping[str, Any], gate: "Gate") -> dict[str, Any]:
    """Return the options with the seed and limit of a gate where none are given."""
    fixed = {"seed": gate.seed, "limit": gate.limit}
    return {**options, **{k: v for k, v in fixed.items() if options[k] is None}}


training_options = _stack(
    click.option(
        "--data-root",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="ACN_EVAL_DATA",
        help="Folder that holds data sets [env: ACN_EVAL_DATA; default: ./data].",
    ),
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps."),
    click.option(
        "--limit",
        type=click.IntRange(min=2),
        help="Only the first N test images, in a keyed order.",
    ),
    click.option("--no-cache", is_flag=True, help="Train anew what the cache already holds."),
)
output_options = _stack(
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        default=Path("acn-results"),
        show_default=True,
        help="Folder for results.",
    ),
    click.option(
        "--json",
        "json_file",
        type=click.Path(dir_okay=False, allow_dash=True),
        metavar="FILE|-",
        help="Write everything as JSON.",
    ),
    click.option(
        "--quiet", "-q", is_flag=True, help="Print the verdict only, or a line per network."
    ),
    click.option("--tracking-uri", help="MLflow store [env: MLFLOW_TRACKING_URI]."),
    click.option("--no-track", is_flag=True, help="Do not record in MLflow."),
)
