"""A table of the paper: which networks it needs, what is asked of them, and what was reported."""

from os.path import isfile
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from acn_eval.config_files import Config, Name, Text, read_config
from acn_eval.errors import ConfigError, suggestion
from acn_eval.shipped import shipped
from acn_eval.studies.read import read_suite
from acn_eval.training.recipe import Recipe

__all__ = ["PaperComparison", "PaperTable", "read_table", "shipped_tables"]

_BUDGET = ("data", "classes", "steps", "batch")
Figure = Annotated[tuple[float, ...], Field(min_length=1, max_length=2)]
"""A number as it is printed, with its spread where one is."""
Reported = Annotated[
    dict[Text, dict[Name, Figure]],
    BeforeValidator(lambda rows: {} if rows is None else rows),
    Field(max_length=100),
]
"""Figures by row of the study's tables, then by network."""


class PaperComparison(Config, frozen=True):
    """Two networks of a table, and what is asked of both.

    Attributes:
        suites: name or path of a suite, with what the paper reports on it.
        data: that the networks are asked about; empty is what they were trained on.
    """

    candidate: Name
    baseline: Name
    suites: Annotated[dict[Text, Reported], Field(min_length=1, max_length=20)]
    data: Text = ""

    @property
    def networks(self) -> tuple[str, str]:
        """Candidate and baseline."""
        return self.candidate, self.baseline


class PaperTable(Config, frozen=True):
    """Networks that are trained with several seeds, and compared at equal budgets.

    Attributes:
        title: what stands above it.
        budget: how long the paper trained, in words.
        differs: what is not as in the paper, or not known of it.
        seeds: trainings of every network; their seeds are 0, 1, ...
        recipe: what all networks share; it is part of every one.
        networks: recipes by name, in the file as changes of the shared one.
        comparisons: all networks stand in one.
    """

    title: Text
    budget: Text
    differs: Annotated[tuple[Text, ...], Field(max_length=20)] = ()
    seeds: Annotated[int, Field(ge=1, le=1000)] = 5
    recipe: dict[str, Any] = Field(default_factory=dict)
    networks: Annotated[dict[Name, Recipe], Field(min_length=2, max_length=100)]
    comparisons: Annotated[tuple[PaperComparison, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="before")
    @classmethod
    def _networks_share_a_recipe(cls, fields: Any) -> Any:
        shared = fields.get("recipe", {}) if isinstance(fields, dict) else None
        networks = fields.get("networks") if isinstance(fields, dict) else None
        if not isinstance(shared, dict) or not isinstance(networks, dict):
            return fields
        return {**fields, "networks": {name: _merged(shared, networks[name]) for name in networks}}

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if any("seed" in recipe.model_fields_set for recipe in self.networks.values()):
            raise ValueError("recipe must not state a seed: seeds are numbered from 0")
        for comparison in self.comparisons:
            self._require_fair(comparison)
        used = {name for comparison in self.comparisons for name in comparison.networks}
        if unused := self.networks.keys() - used:
            raise ValueError(f"networks must each stand in a comparison; {min(unused)} does not")
        return self

    def _require_fair(self, comparison: PaperComparison) -> None:
        pair = comparison.networks
        if unknown := [name for name in pair if name not in self.networks]:
            raise ValueError(
                f"comparisons must be of networks of this table; {unknown[0]} is none"
            )
        if pair[0] == pair[1]:
            raise ValueError(f"comparisons must be of two networks; got {pair[0]} twice")
        for field in _BUDGET:
            ours, theirs = (getattr(self.networks[name], field) for name in pair)
            if ours != theirs:
                both = f"{' and '.join(pair)} have {ours} and {theirs}"
                raise ValueError(f"budgets must be equal; in {field} {both}")
        named = {
            name for rows in comparison.suites.values() for row in rows.values() for name in row
        }
        if foreign := named - set(pair):
            raise ValueError(f"figures must be of {' or '.join(pair)}; {min(foreign)} is neither")


def _merged(shared: dict[str, Any], own: Any) -> Any:
    if not isinstance(own, dict):
        return own
    archs = [fields.get("arch", {}) for fields in (shared, own)]
    arch = {**archs[0], **archs[1]} if all(isinstance(a, dict) for a in archs) else archs[1]
    return {**shared, **own, "arch": arch}


def shipped_tables() -> dict[str, Path]:
    """Return the tables that travel with acn-eval, by name."""
    return {file.stem: file for file in sorted((shipped("suites") / "tables").glob("*.yaml"))}


def read_table(name: str) -> PaperTable:
    """Read a shipped table by name, or any YAML file by path, and every suite that it names.

    Raises:
        ConfigError: no such file, no YAML, a field that must be something else, or a suite that
            trains networks of its own.
    """
    have, path = shipped_tables(), Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        path = have.get(name, path)
    if not isfile(path):
        msg = f"{name}: must be a YAML file or a shipped table ({', '.join(have)}); got neither."
        raise ConfigError(msg + suggestion(name, have))
    table: PaperTable = read_config(path, PaperTable, "a table")
    for suite in {suite for own in table.comparisons for suite in own.suites}:
        if read_suite(suite).checkpoints == "none":
            msg = f"{path}: suites must ask networks that are given; {suite} trains its own"
            raise ConfigError(f"{msg}. It has a command.")
    return table
