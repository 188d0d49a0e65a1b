"""Reads a suite by name or path, and exports the JSON Schema for editors."""

from collections.abc import Mapping
from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter, ValidationError

from acn_eval.config_files import read_config
from acn_eval.errors import ConfigError, DataError
from acn_eval.studies.table import studies, study_of
from acn_eval.study.suite import Suite, suite_file

__all__ = ["any_suite", "read_suite", "schema", "stored_suite"]


def any_suite() -> Any:
    """Return the type of every suite, chosen by ``kind``: a union of what the table lists."""
    union: Any = Union[tuple(own.suite for own in studies().values())]  # noqa: UP007
    return Annotated[union, Field(discriminator="kind")]


def read_suite(name: str, kind: str | None = None) -> Suite:
    """Read a shipped suite by name, or any YAML file by path.

    Args:
        name: of the suite, or of the file.
        kind: that the suite must be of; None takes any.

    Raises:
        ConfigError: no such suite, no YAML, a field that must be something else, or another kind.
    """
    suite: Suite = read_config(suite_file(name), any_suite(), "a suite")
    if kind not in (None, suite.kind):
        command = suite.kind.replace("_", "-")
        msg = f"`suite`: must be of kind {kind}; got {suite.kind}. Use acn-eval {command}."
        raise ConfigError(msg, "suite")
    return suite


def stored_suite(facts: Mapping[str, Any]) -> Suite:
    """Return the suite whose config a result records.

    Raises:
        ConfigError: its study is unknown here.
        DataError: the suite is of another version.
    """
    try:
        suite: Suite = TypeAdapter(study_of(facts).suite).validate_python(dict(facts))
    except ValidationError as exc:
        name, count = facts.get("name"), exc.error_count()
        raise DataError(f"{name}: suite must be of this version; {count} fields differ") from exc
    return suite


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a suite's YAML."""
    return TypeAdapter(any_suite()).json_schema()
