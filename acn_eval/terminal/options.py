"""Options that several commands share."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import click

from acn_eval.errors import AcnEvalError, ConfigError
from acn_eval.run_options import DataSelection, RunOptions
from acn_eval.terminal.console import WIDE, console
from acn_eval.terminal.glossary import explain

__all__ = [
    "SEED",
    "Output",
    "Range",
    "data_options",
    "gate_place_options",
    "metric_option",
    "output_of",
    "output_options",
    "picked",
    "place_options",
    "reading_options",
    "run_options",
    "side_options",
    "training_options",
    "with_flags",
]

SEED = click.IntRange(-(2**63), 2**63 - 1)
_Command = TypeVar("_Command", bound=Callable[..., Any])
_Record = TypeVar("_Record")

_FRAMING = ("crop_pct", "crop_mode", "interpolation")
_FLAGS = {
    "baselines": "--baseline",
    "candidates": "--ckpt",
    "class_names": "--class-map",
    "restricted": "--restrict",
    "root": "--data-root",
}


def _known_metric(context: click.Context, option: click.Parameter, name: str) -> str:
    if name != "accuracy":  # no command waits for scipy
        from acn_eval.statistics.metrics import metric_of

        metric_of(name)
    return name


metric_option = click.option(
    "--metric",
    metavar="NAME",
    default="accuracy",
    show_default=True,
    callback=_known_metric,
    help="In which networks are compared: see `acn-eval list metrics`.",
)


@dataclass(frozen=True)
class Output:
    """What a command prints and writes beside its results.

    Attributes:
        json_file: that gets everything; ``-`` is stdout.
        quiet: print the verdict only.
    """

    json_file: str | None = None
    quiet: bool = False

    def numbered(self, count: int) -> "Output":
        """Return the same with a JSON file of its own: ``out-5.json`` for ``out.json``."""
        if self.json_file is None:
            return self
        path = Path(self.json_file)
        return replace(self, json_file=str(path.with_name(f"{path.stem}-{count}{path.suffix}")))

    def say(self, line: str) -> None:
        """Print a line, where more than the verdict or JSON is printed."""
        if self.json_file != "-" and not self.quiet:
            console().print(line)


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
        help="auto takes bf16 for large networks where the device has units for it.",
    ),
    click.option("--no-cache", is_flag=True, help="Measure anew what the cache already holds."),
)
place_options = _stack(
    *_machine_options,
    click.option("--seed", type=SEED, default=0, show_default=True, help="Of the noise."),
    metric_option,
)
gate_place_options = _stack(
    *_machine_options,
    click.option("--seed", type=SEED, help="Of the noise [default: the gate's]; see --limit."),
)


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
    metric_option,
)


def _keep_wide(context: click.Context, option: click.Parameter, wide: bool) -> None:
    context.meta[WIDE] = wide


def _explain_last(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        context.call_on_close(lambda: explain(console()))


reading_options = _stack(
    click.option(
        "--wide",
        is_flag=True,
        expose_value=False,
        callback=_keep_wide,
        help="Show every column, however narrow the terminal is.",
    ),
    click.option(
        "--explain",
        is_flag=True,
        expose_value=False,
        callback=_explain_last,
        help="Print one paragraph for each term that the output uses.",
    ),
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
    reading_options,
    click.option("--tracking-uri", help="MLflow store [env: MLFLOW_TRACKING_URI]."),
    click.option("--no-track", is_flag=True, help="Do not record in MLflow."),
)


def run_options(*changes: str, **given: Any) -> RunOptions:
    """Return what a command was asked for; nothing else reads the options of a run.

    A command without ``--precision`` runs in fp32, and one without ``--baseline`` has none.

    Args:
        changes: options that, where given, replace the suite's field of that name.
        given: options of the command line.
    """
    return RunOptions(
        candidates=_several(given.get("ckpt")),
        baselines=_baselines(**given),
        suite=given["suite"],
        changes={name: given[name] for name in changes if given[name] not in (None, ())},
        data=_selection(**given),
        arch=given.get("arch"),
        baseline_arch=given.get("baseline_arch"),
        framing={name: given[name] for name in _FRAMING if given.get(name) is not None},
        device=given["device"],
        batch_size=given.get("batch_size", 256),
        precision=given.get("precision", "fp32"),
        cache=not given["no_cache"],
        seed=given.get("seed"),
        metric=given.get("metric", "accuracy"),
        out=given.get("out", Path()),
        track=not given.get("no_track"),
        tracking_uri=given.get("tracking_uri"),
    )


def picked(kind: type[_Record], **given: Any) -> _Record:
    """Return the dataclass whose fields are options of that name."""
    return kind(**{field.name: given[field.name] for field in fields(kind)})  # type: ignore[arg-type]


def output_of(**given: Any) -> Output:
    """Return what a command prints and writes beside its results."""
    return picked(Output, **given)


def with_flags(error: AcnEvalError) -> str:
    """Return the message of an error with the options of the command line for its arguments."""
    said = str(error)
    for name in error.arguments:
        said = said.replace(f"`{name}`", _FLAGS.get(name, f"--{name.replace('_', '-')}"))
    return said


def _baselines(**given: Any) -> tuple[str, ...] | None:
    """None takes the twin that the card names."""
    if given.get("no_baseline") or "baseline" not in given:
        return ()
    return _several(given["baseline"]) or None


def _several(given: str | Sequence[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


def _selection(**given: Any) -> DataSelection:
    classes = tuple(part.strip() for part in given.get("classes", "").split(",") if part.strip())
    if classes and not given["data"]:
        msg = "`classes`: needs `data`, because it names classes of the data"
        raise ConfigError(msg, "classes", "data")
    return DataSelection(
        data=given.get("data") or "",
        root=given["data_root"],
        limit=given["limit"],
        classes=classes,
        class_names=_class_names(given.get("class_map")),
        class_order=given.get("class_order"),
        restricted=given.get("restrict", False),
    )


def _class_names(file: Path | None) -> Mapping[str, str]:
    if file is None:
        return {}
    from pydantic import Field

    from acn_eval.config_files import read_config

    kind: Any = dict[str, Annotated[str, Field(coerce_numbers_to_str=True)]]  # YAML reads 3
    what = "a mapping of classes of the data to classes of the model"
    names: dict[str, str] = read_config(file, kind, what)
    return names
