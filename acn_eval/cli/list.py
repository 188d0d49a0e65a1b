"""`acn-eval list`: what there is, from the tables that the other commands read."""

from collections.abc import Callable, Iterable

import click

from acn_eval.plugins import Group, installed
from acn_eval.terminal.console import console
from acn_eval.terminal.options import Titled, reading_options
from acn_eval.terminal.tables import Column, show_table

__all__ = ["command"]

_Lines = Iterable[tuple[str, str]]


def _added(group: Group, form: str = "{}:...") -> _Lines:
    return ((form.format(name), "of an installed package") for name in installed(group))


def _suites() -> _Lines:
    from acn_eval.config_files import read_yaml
    from acn_eval.study.suite import shipped_suites

    for name, path in shipped_suites().items():
        fields = read_yaml(path, "a suite")
        yield name, str(fields["description"]) if isinstance(fields, dict) else ""


def _tables() -> _Lines:
    from acn_eval.workflow.paper import read_table, shipped_tables  # imports torch

    return ((name, read_table(name).title) for name in shipped_tables())


def _data() -> _Lines:
    from acn_eval.data.open import DATA  # imports torch

    return [*DATA.items(), *_added("data")]


def _corruptions() -> _Lines:
    from acn_eval.corruptions import SHIPPED  # imports torch

    for kind in SHIPPED:
        first, *_ = str(kind.__doc__).splitlines()
        yield kind.model_fields["kind"].default, first.replace("``", "")
    yield from _added("corruptions", "{}")


def _checkpoints() -> _Lines:
    from acn_eval.shipped import shipped_checkpoints

    outside = (
        ("timm:MODEL@FILE", "weights of timm, where it is installed"),
        ("torchvision:MODEL@FILE", "weights of torchvision; without a file, its own"),
        ("hf:FOLDER", "a classifier of images, or a BERT with its tokenizer, of transformers"),
        ("FILE.safetensors", "weights with a card beside them, FILE.card.yaml"),
        ("models:/NAME/3", "a version in MLflow; also models:/NAME@ALIAS and runs:/ID/PATH"),
        ("module:FILE.py:FUNCTION", "what your own code builds; this runs it"),
    )
    return [*((name, "") for name in shipped_checkpoints()), *outside, *_added("checkpoints")]


def _metrics() -> _Lines:
    from acn_eval.statistics.metrics import METRICS

    for name, metric in METRICS.items():
        better = "higher" if metric.quantity.higher_is_better else "lower"
        yield name, f"{metric.help}; {better} is better"


def _studies() -> _Lines:
    from acn_eval.studies.table import studies

    return ((kind.replace("_", "-"), entry.help) for kind, entry in studies().items())


_LISTS: dict[str, Callable[[], _Lines]] = {
    "suites": _suites,
    "tables": _tables,
    "data": _data,
    "corruptions": _corruptions,
    "checkpoints": _checkpoints,
    "metrics": _metrics,
    "studies": _studies,
}


@click.command(cls=Titled)
@click.argument("what", type=click.Choice([*_LISTS]))
@reading_options
def command(what: str) -> None:
    """List what other commands take by name: shipped here, or of an installed package."""
    show_table(console(), (Column(what), Column("what it is", text=True)), [*_LISTS[what]()])
