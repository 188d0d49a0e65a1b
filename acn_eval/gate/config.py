"""What a gate asks for: margins and floors, read strictly from a YAML."""

from os.path import isfile
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from acn_eval.config_files import Config, Name, Seed, Text, cut, read_config, read_yaml, tag_of
from acn_eval.errors import ConfigError
from acn_eval.shipped import shipped
from acn_eval.statistics.metrics import metric_of

__all__ = ["Gate", "Margins", "gate_schema", "is_gate", "read_gate", "suite_names"]

Positive = Annotated[float, Field(gt=0, lt=1e6)]
_WIDEST = 0.5  # margin of what is shown in percent: 2 would be meant as points


class Margins(Config, frozen=True):
    """How much worse than the baseline is still good enough, in the unit of the metric.

    Shares, such as accuracies, are fractions of 1.

    Attributes:
        primary: of the primary endpoint; it must be cleared.
        clean: on clean examples; it must be cleared. None does not ask.
        cell: of every condition: an alarm where one is worse by more. None watches none.
        cells: margins of conditions by name, where one of its own fits better than `cell`.
    """

    primary: Positive
    clean: Positive | None = None
    cell: Positive | None = None
    cells: dict[Text, Positive] = Field(default_factory=dict, max_length=10_000)


class Gate(Config, frozen=True):
    """When a candidate may replace its baseline.

    Attributes:
        suite: whose conditions are judged: the name of a shipped suite, or a YAML beside this.
        alpha: how often a candidate exactly at a margin may pass; also how often any rule may
            fail where none is violated.
        metric: that is judged, by its name in `acn-eval list metrics`.
        margins: against the baseline.
        floors: worst value of the metric for the candidate itself, by name of an endpoint or
            condition, in its unit; they must be cleared.
        seed: of the noise.
        limit: how many examples are shown, the first in their keyed order; None shows all. With
            another seed or limit there is no PASS, because repetition until it passes is no test.
    """

    kind: Literal["gate"] = "gate"
    name: Name
    description: Text = ""
    suite: Text = "robustness"
    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    metric: Text = "accuracy"
    margins: Margins
    floors: dict[Text, Positive] = Field(default_factory=dict, max_length=10_000)
    seed: Seed = 0
    limit: Annotated[int, Field(ge=2, lt=2**63)] | None = None

    @model_validator(mode="after")
    def _in_the_unit_of_the_metric(self) -> Self:
        try:
            quantity = metric_of(self.metric).quantity
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc
        if quantity.scale != 100:
            return self
        own = self.margins
        stated = {"primary": own.primary, "clean": own.clean, "cell": own.cell, **own.cells}
        for name, margin in stated.items():
            if margin is not None and margin > _WIDEST:
                raise ValueError(f"margins.{name} must be a fraction of 1, at most {_WIDEST}")
        for name, floor in self.floors.items():
            if floor >= 1:
                raise ValueError(f"floors.{name} must be a fraction of 1")
        return self


def read_gate(name: str) -> Gate:
    """Read a shipped gate by name, or any YAML file by path.

    Raises:
        ConfigError: no such gate, no YAML, or a field that must be something else.
    """
    path = _path(name)
    if not isfile(path):
        raise ConfigError(f"{name}: must be the YAML file of a gate; there is none")
    if (kind := tag_of(read_yaml(path, "a gate"))) not in (None, "gate"):
        raise ConfigError(f"{name}: must be a gate; it is a suite of kind {cut(kind)}")
    gate: Gate = read_config(path, Gate, "a gate")
    if not _is_file(gate.suite):
        return gate
    return gate.model_copy(update={"suite": str(path.parent / gate.suite)})


def is_gate(name: str) -> bool:
    """Whether a name or path is that of a gate, and not of a suite."""
    path = _path(name)
    return isfile(path) and tag_of(read_yaml(path, "a gate")) == "gate"


def suite_names(gate: Gate) -> tuple[str, ...]:
    """Return the names that results of the gate's suite carry: its own, then per modality."""
    file = Path(gate.suite) if _is_file(gate.suite) else shipped("suites") / f"{gate.suite}.yaml"
    fields = read_yaml(file, "a suite") if file.is_file() else None
    if not isinstance(fields, dict):
        return (gate.suite,)
    others = fields.get("instead")
    return (str(fields.get("name")), *(others.values() if isinstance(others, dict) else ()))


def gate_schema() -> dict[str, Any]:
    """Return the JSON Schema of a gate's YAML."""
    return TypeAdapter(Gate).json_schema()


def _path(name: str) -> Path:
    return Path(name) if _is_file(name) else shipped("suites") / f"{name}.yaml"


def _is_file(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))
