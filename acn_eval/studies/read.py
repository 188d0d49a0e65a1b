"""Reads a suite by name or path, and exports the JSON Schema for editors."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from acn_eval.config_files import read_config
from acn_eval.studies.compression.suite import Compression
from acn_eval.studies.continual.suite import Continual
from acn_eval.studies.dynamics.suite import Dynamics
from acn_eval.studies.low_data.suite import AnyLowData
from acn_eval.studies.pruning.suite import Pruning
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.studies.transfer.suite import Transfer
from acn_eval.study.files import suite_file

__all__ = ["AnySuite", "read_suite", "schema"]

AnySuite = Annotated[
    Robustness | Compression | Continual | Dynamics | Pruning | Transfer | AnyLowData,
    Field(discriminator="kind"),
]
"""Every suite, chosen by ``kind``: the only list of suites."""


def read_suite(name: str) -> AnySuite:
    """Read a shipped suite by name, or any YAML file by path.

    Raises:
        ConfigError: no such suite, no YAML, or a field that must be something else.
    """
    suite: AnySuite = read_config(suite_file(name), AnySuite, "a suite")
    return suite


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a suite's YAML."""
    return TypeAdapter(AnySuite).json_schema()
