"""Addresses in MLflow: of runs, of what runs hold, and of versions of registered models."""

import re
from typing import Any

from acn_eval.errors import ConfigError

__all__ = ["ADDRESSES", "RUN", "in_mlflow", "is_run", "model_name", "path_in_run", "version_of"]

RUN = r"runs:/(?P<run>\w+)"
"""What the address of a run looks like, as a regular expression."""
ADDRESSES = "models:/NAME@ALIAS or models:/NAME/3"
_MODEL = re.compile(r"models:/(?P<name>[^/@:]+)(?:/(?P<version>\d{1,9})|@(?P<alias>[\w.-]+))")


def in_mlflow(uri: str) -> bool:
    """Whether an address is one of MLflow: ``runs:/...`` or ``models:/...``."""
    return uri.startswith(("runs:", "models:"))


def is_run(uri: str) -> bool:
    """Whether an address is that of a whole run, ``runs:/ID``."""
    return re.fullmatch(RUN, uri) is not None


def path_in_run(uri: str) -> tuple[str, str] | None:
    """Return the run and the path of ``runs:/ID/PATH``; None for another address.

    >>> path_in_run("runs:/0f3a/model/net.pt")
    ('0f3a', 'model/net.pt')
    """
    found = re.fullmatch(rf"{RUN}(?:/(?P<path>.+))?", uri)
    return (found["run"], found["path"] or "") if found else None


def model_name(uri: str) -> str | None:
    """Return the registered model that an address names; None if it names none.

    >>> model_name("models:/vit@champion")
    'vit'
    """
    found = _MODEL.fullmatch(uri)
    return found["name"] if found else None


def version_of(client: Any, uri: str) -> Any:
    """Return MLflow's record of the version that an address names.

    Raises:
        ConfigError: it is no address of a version.
        MlflowException: there is no such version.
    """
    found = _MODEL.fullmatch(uri)
    if not found:
        raise ConfigError(f"{uri}: must be {ADDRESSES}")
    if found["alias"]:
        return client.get_model_version_by_alias(found["name"], found["alias"])
    return client.get_model_version(found["name"], found["version"])
