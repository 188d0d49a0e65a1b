"""Reads a suite by name or path, and exports the JSON Schema for editors."""

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from acn_eval.errors import ConfigError
from acn_eval.shipped import shipped
from acn_eval.suites.robustness import Robustness

__all__ = ["AnySuite", "read_suite", "schema", "shipped_suites"]

AnySuite = Robustness
"""Every suite, chosen by ``kind``: the only list of suites."""


def shipped_suites() -> dict[str, Path]:
    """Return the suites that travel with acn-eval, by name."""
    return {path.stem: path for path in sorted(shipped("suites").glob("*.yaml"))}


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
    try:
        return TypeAdapter(AnySuite).validate_python(yaml.safe_load(path.read_bytes()))
    except yaml.YAMLError as exc:
        raise ConfigError(f"{path}: must be YAML; {' '.join(str(exc).split())}") from exc
    except ValidationError as exc:
        raise ConfigError(f"{path}: {_reason(exc)}") from exc


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a suite's YAML."""
    return TypeAdapter(AnySuite).json_schema()


def _reason(exc: ValidationError) -> str:
    error = exc.errors()[0]
    where = ".".join(str(part) for part in error["loc"]) or "the file"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(error["loc"][-1]), _field_names(), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{where}: is no field of this suite.{hint}"
    if error["type"] == "union_tag_invalid":
        context = error["ctx"]
        return f"{where}: kind must be one of {context['expected_tags']}; got {context['tag']!r}"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}; got {error['input']!r:.80}"


def _field_names() -> list[str]:
    definitions = schema().get("$defs", {}).values()
    nested = [name for d in definitions for name in d.get("properties", {})]
    return [*schema()["properties"], *nested]
