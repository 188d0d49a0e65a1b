"""Reads YAML and JSON into frozen objects, strictly, with one line about what is wrong.

Files are not trusted: size, depth and number of values are limited before anything is built, and
aliases are refused, because 400 bytes of them unfold to gigabytes.
"""

import json
import re
import reprlib
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from acn_eval.errors import ConfigError, suggestion

__all__ = [
    "JSON_BYTES",
    "Config",
    "Name",
    "Natural",
    "Record",
    "Seed",
    "Text",
    "WrittenWhereGiven",
    "cut",
    "limited",
    "parse_json",
    "read_config",
    "read_json",
    "read_yaml",
    "reason",
    "recorded",
    "tag_of",
]

_BYTES = 1 << 18
JSON_BYTES = 1 << 25
_NODES = 10_000
_DEPTH = 32
_SHOWN = 80

_NAME = r"^[\w.-]+$"
_PLAIN = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
}

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=_NAME)]
Text = Annotated[str, Field(max_length=1000)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Natural = Annotated[int, Field(ge=0, lt=2**63)]
_Given = TypeVar("_Given")
WrittenWhereGiven = Annotated[_Given | None, Field(exclude_if=lambda value: value is None)]
"""A field that came later: texts without it, by which results are found, stay as they were."""


class Config(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """A frozen config without unknown fields, whose numbers are finite.

    Attributes:
        renamed: old to new names of fields; old ones are read for one version, with a warning.
    """

    renamed: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _take_old_names(cls, fields: Any) -> Any:
        for old, new in cls.renamed.items():
            if isinstance(fields, dict) and old in fields and new not in fields:
                msg = f"{old}: this field is now called {new}; the next version refuses {old}"
                warnings.warn(msg, FutureWarning, stacklevel=2)
                fields = {new if name == old else name: fields[name] for name in fields}
        return fields


class Record:
    """The base of a dataclass that is written as JSON and read back by `recorded`."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class _Loader(yaml.SafeLoader):
    """Builds mappings, lists and the plain scalars of YAML 1.2, within limits.

    Dates, ``on`` and ``1:30`` are the text that they look like, and every key is text.
    """

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML's name and type)

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._depth = self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose a node, unless it passes a limit."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        self._depth, self._nodes = self._depth + 1, self._nodes + 1
        for wrong, problem in (
            (isinstance(event, yaml.AliasEvent), "an alias must be written out"),
            (getattr(event, "tag", None) is not None, "a tag must be left out"),
            (self._depth > _DEPTH, f"values must be nested at most {_DEPTH} deep"),
            (self._nodes > _NODES, f"values must be at most {_NODES:,}"),
        ):
            if wrong:
                raise yaml.MarkedYAMLError(None, None, problem, event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping whose keys are different texts."""
        found: dict[Any, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(None, None, "a key must be text", key.start_mark)
            if key.value in found:
                problem = f"{key.value:.{_SHOWN}} must stand there once; it is there twice"
                raise yaml.MarkedYAMLError(None, None, problem, key.start_mark)
            found[key.value] = self.construct_object(value, deep=True)
        return found

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        """Construct a decimal number; a leading zero does not make it octal."""
        text = node.value.lower().replace(".inf", "inf").replace(".nan", "nan")
        return int(text) if node.tag.endswith(":int") else float(text)


for _kind, _pattern, _first in (
    ("null", r"null|Null|NULL|~|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,40}", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), _first
    )
for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)


def read_yaml(path: Path, what: str) -> Any:
    """Return the content of a YAML file that must be, for example, ``"a suite"``.

    Raises:
        ConfigError: no such file, no YAML, or too much of it.
    """
    try:
        return _Loader(limited(path, _BYTES)).get_single_data()
    except OSError as exc:
        raise ConfigError(f"{path}: must be {what}; {exc.strerror}") from exc
    except (yaml.YAMLError, ValueError, OverflowError) as exc:
        raise ConfigError(f"{path}: must be YAML; {_problem(exc)}") from exc


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, see `parse_json`.

    Raises:
        OSError: no such file.
        ValueError: no JSON, or too much of it.
    """
    return parse_json(limited(path, JSON_BYTES))


def parse_json(content: bytes) -> Any:
    """Return the content of JSON; NaN and the infinities are numbers, as Python writes them.

    Raises:
        ValueError: no JSON, too deep, or with a key that stands twice.
    """
    try:
        return json.loads(content, object_pairs_hook=_once)
    except RecursionError as exc:
        raise ValueError("it is nested too deep") from exc


def recorded(facts: object, kind: Any) -> Any:
    """Return the dataclass of plain JSON, every field known and of its type.

    Raises:
        ValueError: a field that must be something else.
    """
    try:
        return _adapter(kind).validate_python(facts)
    except ValidationError as exc:
        error = exc.errors(include_url=False)[0]
        where = ".".join(str(part)[:_SHOWN] for part in error["loc"]) or "all of it"
        raise ValueError(f"{where}: {error['msg']}; got {cut(error['input'])}") from exc


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def limited(path: Path, most: int) -> bytes:
    """Return the content of a file of at most so many bytes.

    Raises:
        OSError: no such file.
        ValueError: it is larger, or a pipe or device, which may never end.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError("it must be a file; got a pipe or device")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it must have at most {most:,} bytes; got more")
    return content


def _problem(exc: Exception) -> str:
    mark = getattr(exc, "problem_mark", None)
    if mark is None:
        return str(exc)
    said = filter(None, (getattr(exc, name, None) for name in ("context", "problem")))
    return f"line {mark.line + 1}: {', '.join(said)}"


def cut(value: object) -> str:
    """Return the repr of a value, cut while it is built."""
    return _SHORT.repr(value)[:_SHOWN]


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = _SHOWN


def read_config(path: Path, model: Any, what: str) -> Any:
    """Return the config of a YAML file, an instance of a pydantic model or union.

    Raises:
        ConfigError: no such file, no YAML, or a wrong field; a misspelt one gets a suggestion.
    """
    fields = read_yaml(path, what)
    try:
        return TypeAdapter(model).validate_python(fields)
    except ValidationError as exc:
        raise ConfigError(f"{path}: {reason(exc.errors(), model, what, fields)}") from exc


def tag_of(fields: object) -> object:
    """Return the ``kind`` of the fields of a file."""
    return fields.get("kind") if isinstance(fields, dict) else None


def reason(
    errors: Sequence[Any], model: Any, what: str, fields: object, whole: str = "the file"
) -> str:
    """Return one line about the errors of pydantic in fields that must be, e.g., ``"a suite"``."""
    # A misspelt field leaves the right one missing, too: the misspelling is reported.
    error = min(errors, key=lambda e: e["type"] != "extra_forbidden")
    parts = error["loc"]
    if parts and parts[0] == tag_of(
        fields
    ):  # the member of the union, which the reader has named already
        parts = parts[1:]
    where = ".".join(str(part)[:_SHOWN] for part in parts) or whole
    if error["type"] == "extra_forbidden":
        known = sorted(_fields_at(TypeAdapter(model).json_schema(), error["loc"][:-1]))
        hint = suggestion(str(error["loc"][-1])[:_SHOWN], known)
        return f"{where}: is no field of {what}.{hint}"
    if error["type"] == "union_tag_invalid":
        c = error["ctx"]
        field = c["discriminator"].strip("'")
        return f"{where}: {field} must be one of {c['expected_tags']}; got {cut(c['tag'])}"
    if error["type"] == "union_tag_not_found":
        field = error["ctx"]["discriminator"].strip("'")
        return f"{where}: must state {field}; got {cut(error['input'])}"
    if error["type"] in {"model_attributes_type", "model_type", "dict_type"}:
        return f"{where}: must be a mapping of names to values; got {cut(error['input'])}"
    said = _PLAIN.get(error["type"], str(error["msg"])).removeprefix("Value error, ")
    if error["type"] in {"missing", "value_error"} and isinstance(error["input"], dict):
        return f"{where}: {said}"
    if error["type"] == "string_pattern_mismatch" and error["ctx"]["pattern"] == _NAME:
        said = "must consist of letters, digits, '_', '.' and '-'"
    return f"{where}: {said}; got {cut(error['input'])}"


def _fields_at(schema: dict[str, Any], runtime: Sequence[str | int]) -> set[str]:
    defined = schema.get("$defs", {})
    found = _members(schema, defined)
    for part in runtime:
        inner = [node for member in found for node in _below(member, part)]
        found = [member for node in inner for member in _members(node, defined)]
    return {name for member in found for name in member.get("properties", {})}


def _members(schema: Any, defined: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a schema, or what it refers to, and every member of a union."""
    reference = schema if isinstance(schema, str) else schema.get("$ref")
    if reference:
        return _members(defined[reference.rpartition("/")[2]], defined)
    if "discriminator" in schema:  # the next step names the member
        return [{"tags": schema["discriminator"]["mapping"]}]
    union = schema.get("anyOf", schema.get("oneOf", []))
    return [schema, *(member for own in union for member in _members(own, defined))]


def _below(member: dict[str, Any], part: str | int) -> list[Any]:
    """Return the schemas of a field, an element, a value, or the member of a union of that tag."""
    if isinstance(part, int):
        return [*member.get("prefixItems", []), *filter(None, [member.get("items")])]
    for named in ("tags", "properties"):
        if part in member.get(named, {}):
            return [member[named][part]]
    values = [*member.get("patternProperties", {}).values(), member.get("additionalProperties")]
    return [own for own in values if isinstance(own, dict)]
