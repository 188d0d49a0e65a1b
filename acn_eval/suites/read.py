"""Reads a suite by name or path, and exports the JSON Schema for editors."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from acn_eval.errors import ConfigError
from acn_eval.shipped import shipped
from acn_eval.strict import read_config, read_yaml
from acn_eval.suites.robustness import Robustness

__all__ = ["AnySuite", "read_suite", "schema", "shipped_suites"]

AnySuite = Robustness
"""Every suite, chosen by ``kind``: the only list of suites."""


def shipped_suites() -> dict[str, Path]:
    """Return the suites that travel with acn-eval, by name."""
    paths = sorted(shipped("suites").glob("*.yaml"))
    # A gate lies beside the suite that it judges.
    return {p.stem: p for p in paths if read_yaml(p, "a suite").get("kind") != "gate"}


def read_suite(name: str) -> AnySuite:
    """Read a shipped suite by name, or any YAML file by path.

    Raises:
        ConfigError: no such suite, no YAML, or a field that must be something else.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        path = shipped_suites().get(name, path)
    if not path.is_file():
        have = ", ".join(shipped_suites())
        raise ConfigError(f"{name}: must be a YAML file or a shipped suite ({have}); got neither")
    suite: AnySuite = read_config(path, AnySuite, "a suite")
    return suite


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a suite's YAML."""
    return TypeAdapter(AnySuite).json_schema()
