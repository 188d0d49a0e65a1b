"""Options that several commands share, and the titles that they stand under in a help text."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import click

from acn_eval.errors import ConfigError
from acn_eval.run_options import DataSelection, RunOptions
from acn_eval.terminal.console import WIDE, console
from acn_eval.terminal.engine_options import engine_choice, engine_options
from acn_eval.terminal.glossary import explain
from acn_eval.terminal.titled import Titled, titled

__all__ = [
    "FILE",
    "FOLDER",
    "SEED",
    "Output",
    "Range",
    "Titled",
    "arch_option",
    "baseline_arch_option",
    "checkpoint_options",
    "compute_options",
    "data_options",
    "data_root_option",
    "device_option",
    "export_option",
    "gate_place_options",
    "metric_option",
    "output_of",
    "output_options",
    "picked",
    "place_options",
    "reading_options",
    "run_options",
    "side_options",
    "tracking_option",
    "training_options",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Record = TypeVar("_Record")
_SAME = (
    *("suite", "arch", "baseline_arch", "group", "device", "batch_size"),
    *("seed", "metric", "out", "tracking_uri"),
)
_FRAMING = ("crop_pct", "crop_mode", "interpolation")


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

    def say(self, line: str, *, style: str | None = None) -> None:
        """Print a line, unless only the verdict or JSON is printed."""
        if self.json_file != "-" and not self.quiet:
            console().print(line, style=style)


class Range(click.FloatRange):
    """A range of numbers, which never contains NaN."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail as a usage error."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail("nan is no number.", param, ctx)
        return number


class _Seed(click.types.IntParamType):
    """Any integer of 64 bits; the help does not print these limits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail as a usage error."""
        number = int(super().convert(value, param, ctx))
        if not -(2**63) <= number < 2**63:
            self.fail(f"{number} is no integer of 64 bits.", param, ctx)
        return number


SEED = _Seed()
FILE = click.Path(dir_okay=False, path_type=Path)
_DIR = click.Path(file_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _stack(*options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_network, _data = titled("Networks"), titled("Data")
_machine, _output = titled("Measurement"), titled("Output")


def _known(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    if name not in (None, "accuracy"):  # no command waits for scipy
        from acn_eval.statistics.metrics import metric_of

        metric_of(name)
    return name


def _keep_wide(context: click.Context, option: click.Parameter, wide: bool) -> None:
    context.meta[WIDE] = wide


def _explain_last(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        context.call_on_close(lambda: explain(console()))


metric_option = _machine(
    "--metric",
    show_default="that of the data",
    callback=_known,
    help="Metric; see `acn-eval list metrics`.",
)
device_option = _machine("--device", default="auto", help="auto, cpu, cuda or mps.")
data_root_option = _data(
    "--data-root", type=_DIR, envvar="ACN_EVAL_DATA", show_default="./data", help="Data folder."
)
tracking_option = _output(
    "--tracking-uri",
    metavar="URI",
    show_default="MLFLOW_TRACKING_URI, or ./mlflow.db",
    help="MLflow store.",
)
_limit = _data(
    "--limit", type=click.IntRange(min=2), help="Number of test examples, by a fixed random order."
)
arch_option = _network(
    "--arch",
    help="For the authors' files: official/ac-mixer, official/res-mixer, official/ac-vit or "
    "official/vit. For a ViT whose heads are not 8: official/vit:heads=4.",
)
baseline_arch_option = _network("--baseline-arch", help="The same for --baseline.")
side_options = _stack(
    _network(
        "--ckpt",
        required=True,
        multiple=True,
        listed=True,
        metavar="FILE...",
        help="Checkpoints; several networks are ranked. Files that record one recipe are training "
        "seeds of one network.",
    ),
    _network(
        "--baseline",
        multiple=True,
        listed=True,
        metavar="FILE...",
        show_default="the card's; none of several networks",
        help="Baseline.",
    ),
    _network(
        "--group",
        is_flag=True,
        help="Files of one architecture that record no recipe are training seeds, too.",
    ),
    _network("--no-baseline", is_flag=True, help="Measure the checkpoint alone."),
    arch_option,
    baseline_arch_option,
    _network(
        "--crop-pct",
        type=Range(0.1, 2),
        help="Share that is cropped, instead of the checkpoint's.",
    ),
    _network(
        "--crop-mode",
        type=click.Choice(["center", "squash", "border"]),
        help="Resize the short side, both sides, or the long side, instead of the checkpoint's.",
    ),
    _network(
        "--interpolation",
        type=click.Choice(["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]),
        metavar="FILTER",
        help="Filter for resizing, instead of the checkpoint's: nearest, bilinear, bicubic, "
        "lanczos, box or hamming, as in Pillow.",
    ),
)
data_options = _stack(
    _data(
        "--data",
        metavar="NAME",
        show_default="what the card names",
        help="What `acn-eval list data` names, e.g. digits, glue:sst2, npz:PATH or tsv:PATH.",
    ),
    data_root_option,
    _limit,
    _data("--classes", metavar="LIST", help="Use these classes only: names, or 0-4,7."),
    _data(
        "--class-map",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="YAML that maps classes of the data to classes of the model, where names differ; "
        "null leaves a class out.",
    ),
    _data(
        "--class-order",
        type=click.Choice(["position", "name", "imagenet"]),
        show_default="where both agree",
        help="What logit i of a network without class names stands for: the class at position i "
        "of the data (the classes of a folder are sorted as text: 0, 1, 10, 2), the class "
        "called i, or class i of ImageNet-1k, by WordNet id or name.",
    ),
    _data("--restrict", is_flag=True, help="Predict among the classes of the data only."),
)
_machine_options = (
    device_option,
    _machine(
        "--batch-size",
        type=click.IntRange(min=1),
        show_default="by cost",
        help="Examples per forward pass.",
    ),
    _machine(
        "--precision",
        type=click.Choice(["auto", "fp32", "bf16"]),
        default="auto",
        help="auto takes bf16 for large networks where the device computes in it.",
    ),
    _machine("--no-cache", is_flag=True, help="Measure again what the cache already holds."),
)
place_options = _stack(
    *_machine_options,
    *engine_options,
    _machine("--seed", type=SEED, default=0, help="Seed of the noise."),
    metric_option,
)
gate_place_options = _stack(
    *_machine_options,
    *engine_options,
    _machine("--seed", type=SEED, show_default="the gate's", help="Seed of the noise."),
)
compute_options = _stack(device_option, *engine_options)
training_options = _stack(
    data_root_option,
    _limit,
    device_option,
    _machine("--no-cache", is_flag=True, help="Train again what the cache already holds."),
    *engine_options,
    metric_option,
)
reading_options = _stack(
    _output(
        "--wide", is_flag=True, expose_value=False, callback=_keep_wide, help="Show every column."
    ),
    _output(
        "--explain",
        is_flag=True,
        expose_value=False,
        callback=_explain_last,
        help="Print one paragraph for each term that the output uses.",
    ),
)
output_options = _stack(
    _output("--out", type=_DIR, default=Path("acn-results"), help="Folder for results."),
    _output(
        "--json",
        "json_file",
        type=click.Path(dir_okay=False, allow_dash=True),
        metavar="FILE|-",
        help="Write everything as JSON.",
    ),
    _output(
        "--quiet", "-q", is_flag=True, help="Print the verdict only, or one line per network."
    ),
    reading_options,
    tracking_option,
    _output("--no-track", is_flag=True, help="Do not record in MLflow."),
)


checkpoint_options = _stack(data_options, place_options, output_options)


def export_option(what: str) -> Callable[[_Command], _Command]:
    """Return the option that names the file to which the first checkpoint is written."""
    text = f"Write the first checkpoint, {what}, as .pt or .safetensors."
    return click.option("--export", "export_to", type=FILE, help=text)


def run_options(*changes: str, **given: Any) -> RunOptions:
    """Return the options of a run; those named in `changes` replace fields of the suite.

    A command without ``--precision`` runs in fp32, and one without ``--baseline`` has none.
    """
    return RunOptions(
        candidates=_several(given.get("ckpt")),
        baselines=_baselines(**given),
        changes={name: given[name] for name in changes if given[name] not in (None, ())},
        data=_selection(**given),
        framing={name: given[name] for name in _FRAMING if given.get(name) is not None},
        precision=given.get("precision", "fp32"),
        cache=not given["no_cache"],
        engine=engine_choice(**given),
        track=not given.get("no_track"),
        **{name: given[name] for name in _SAME if name in given},
    )


def picked(kind: type[_Record], **given: Any) -> _Record:
    """Return the dataclass whose fields are options of that name."""
    return kind(**{field.name: given[field.name] for field in fields(kind)})  # type: ignore[arg-type]


output_of = partial(picked, Output)
"""What a command prints and writes beside its results."""


def _baselines(**given: Any) -> tuple[str, ...] | None:
    """None takes the twin that the card names."""
    if given.get("no_baseline") and given.get("baseline"):
        msg = "`no_baseline`: must be left out with `baseline`, which names one"
        raise ConfigError(msg, "no_baseline", "baseline")
    if given.get("no_baseline") or "baseline" not in given:
        return ()
    return _several(given["baseline"]) or None


def _several(given: str | Sequence[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


def _selection(**given: Any) -> DataSelection:
    classes = tuple(
        part.strip() for part in (given.get("classes") or "").split(",") if part.strip()
    )
    if classes and not given.get("data"):
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


def _class_names(file: Path | None) -> Mapping[str, str | None]:
    if file is None:
        return {}
    from pydantic import Field

    from acn_eval.config_files import read_config

    kind: Any = dict[str, Annotated[str, Field(coerce_numbers_to_str=True)] | None]  # YAML reads 3
    what = "a mapping of classes of the data to classes of the model"
    names: dict[str, str | None] = read_config(file, kind, what)
    return names
