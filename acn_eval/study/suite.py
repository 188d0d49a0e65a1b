"""The base of every suite, which is its config, and the YAML files of suites."""

from os.path import isfile
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator

from acn_eval.config_files import Config, Name, Text, WrittenWhereGiven, read_yaml, tag_of
from acn_eval.errors import ConfigError, suggestion
from acn_eval.shipped import shipped
from acn_eval.statistics.metrics import metric_of

__all__ = ["Margin", "Suite", "shipped_suites", "suite_file"]

Margin = Annotated[float, Field(gt=0, lt=1)]
Difference = Annotated[float, Field(gt=0, lt=1e6)]


class Suite(Config, frozen=True):
    """A frozen config; its YAML, its Python and its repr are the same thing.

    Attributes:
        name: of the suite, shown everywhere.
        description: one sentence: the question that it answers.
        equivalence_margin: difference on the endpoint, in accuracy, within which a tie is claimed;
            None claims none.
        equivalence_margins: the same in other metrics, by their names in `acn-eval list metrics`,
            in the unit of each; of a share, a fraction of 1.
        reads_head: whether predictions come from the network's own head, so that it must know the
            classes.
        reads_numbers: whether data may state numbers in place of classes.
        has_losses: whether outcomes hold the losses of their labels, as those of a head do.
        checkpoints: whether checkpoints must, may or must not be given; without any, the suite
            trains networks of its own.
        by_blocks: whether each example is measured by itself, and nothing is chosen, fitted or
            timed.
        ranks: whether several networks are ranked; else each is shown by itself.
    """

    kind: str
    name: Name
    description: Text = ""
    equivalence_margin: Margin | None = None
    equivalence_margins: WrittenWhereGiven[dict[Text, Difference]] = None
    question: ClassVar[str] = ""
    reads_head: ClassVar[bool] = True
    reads_numbers: ClassVar[bool] = False
    has_losses: ClassVar[bool] = True
    checkpoints: ClassVar[Literal["required", "optional", "none"]] = "required"
    by_blocks: ClassVar[bool] = False
    ranks: ClassVar[bool] = True

    def shown_as(self, modality: str) -> Self:
        """Return the suite for networks that read a modality: its noise may be another one."""
        noise: Suite | None = getattr(self, "noise", None)
        update = {} if noise is None else {"noise": noise.shown_as(modality)}
        return self.model_copy(update=update)

    @field_validator("equivalence_margins")
    @classmethod
    def _of_known_metrics(cls, margins: dict[str, float] | None) -> dict[str, float] | None:
        for name, margin in (margins or {}).items():
            try:
                quantity = metric_of(name).quantity
            except ConfigError as exc:
                raise ValueError(str(exc)) from exc
            if quantity.scored:
                raise ValueError(f"{name} has a field of its own, equivalence_margin")
            if quantity.scale == 100 and margin >= 1:
                raise ValueError(f"{name} must be a fraction of 1; got {margin:g}")
        return margins


def shipped_suites() -> dict[str, Path]:
    """Return the suites that travel with acn-eval, by name; gates lie beside them."""
    return {name: file for name, file in _files().items() if _is_suite(file)}


def suite_file(name: str) -> Path:
    """Return the file of a shipped suite by name, or any YAML file by path.

    Raises:
        ConfigError: there is none.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        own = _files().get(name)
        path = own if own and _is_suite(own) else path
    if not isfile(path):
        have = shipped_suites()
        msg = f"{name}: must be a YAML file or a shipped suite ({', '.join(have)}); got neither."
        raise ConfigError(msg + suggestion(name, have))
    return path


def _files() -> dict[str, Path]:
    return {file.stem: file for file in sorted(shipped("suites").glob("*.yaml"))}


def _is_suite(file: Path) -> bool:
    return tag_of(read_yaml(file, "a suite")) != "gate"
