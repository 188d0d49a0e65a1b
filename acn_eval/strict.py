"""Reads YAML into a frozen config, strictly: what is wrong is said in one line."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from acn_eval.errors import ConfigError

__all__ = ["read_config", "read_yaml"]


def read_yaml(path: Path, what: str) -> Any:
    """Return the content of a YAML file.

    Args:
        path: of the file.
        what: what it must be, e.g. ``"a suite"``.

    Raises:
        ConfigError: no such file, or no YAML.
    """
    try:
        return yaml.safe_load(path.read_bytes())
    except OSError as exc:
        raise ConfigError(f"{path}: must be {what}; {exc.strerror}") from exc
    except yaml.YAMLError as exc:
        raise ConfigError(f"{path}: must be YAML; {' '.join(str(exc).split())}") from exc


def read_config(path: Path, model: Any, what: str) -> Any:
    """Return the config of a YAML file, an instance of a pydantic model or union.

    Raises:
        ConfigError: no such file, no YAML, or a field that must be something else; the nearest
            field is named where one is misspelt.
    """
    adapter = TypeAdapter(model)
    fields = read_yaml(path, what)
    try:
        return adapter.validate_python(fields)
    except ValidationError as exc:
        tag = fields.get("kind") if isinstance(fields, dict) else None
        raise ConfigError(f"{path}: {_reason(exc, adapter, what, tag)}") from exc


def _reason(exc: ValidationError, adapter: TypeAdapter[Any], what: str, tag: object) -> str:
    # A misspelt field leaves the right one missing too: the misspelling is the news.
    error = min(exc.errors(), key=lambda e: e["type"] != "extra_forbidden")
    parts = error["loc"]
    if parts and parts[0] == tag:  # the member of the union, which the reader has named already
        parts = parts[1:]
    where = ".".join(str(part) for part in parts) or "the file"
    if error["type"] == "extra_forbidden":
        known = sorted(_fields_at(adapter.json_schema(), error["loc"][:-1]))
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"{where}: is no field of {what}.{hint}"
    if error["type"] == "union_tag_invalid":
        c = error["ctx"]
        field = c["discriminator"].strip("'")
        return f"{where}: {field} must be one of {c['expected_tags']}; got {c['tag']!r}"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}; got {error['input']!r:.80}"


def _fields_at(schema: dict[str, Any], place: Sequence[str | int]) -> set[str]:
    """Return the names of the fields that there are at a place of the file."""
    defined = schema.get("$defs", {})
    found = _members(schema, defined)
    for part in place:
        inner = [node for member in found for node in _below(member, part)]
        found = [member for node in inner for member in _members(node, defined)]
    return {name for member in found for name in member.get("properties", {})}


def _members(schema: Any, defined: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a schema may be: itself or what it refers to, and every member of a union."""
    reference = schema if isinstance(schema, str) else schema.get("$ref")
    if reference:
        return _members(defined[reference.rpartition("/")[2]], defined)
    if "discriminator" in schema:  # the next step names the member
        return [{"tags": schema["discriminator"]["mapping"]}]
    union = schema.get("anyOf", schema.get("oneOf", []))
    return [schema, *(member for own in union for member in _members(own, defined))]


def _below(member: dict[str, Any], part: str | int) -> list[Any]:
    """Return the schemas of a field, of an element, or of the member of a union with that tag."""
    if isinstance(part, int):
        return [*member.get("prefixItems", []), *filter(None, [member.get("items")])]
    for named in ("tags", "properties"):
        if part in member.get(named, {}):
            return [member[named][part]]
    return []
