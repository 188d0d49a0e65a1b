"""Finds the YAML of a suite: shipped by name, any file by path."""

from os.path import isfile
from pathlib import Path

from acn_eval.config_files import read_yaml, tag_of
from acn_eval.errors import ConfigError, suggestion
from acn_eval.shipped import shipped

__all__ = ["shipped_suites", "suite_file"]


def shipped_suites() -> dict[str, Path]:
    """Return the suites that travel with acn-eval, by name; gates lie beside them."""
    files = sorted(shipped("suites").glob("*.yaml"))
    return {f.stem: f for f in files if tag_of(read_yaml(f, "a suite")) != "gate"}


def suite_file(name: str) -> Path:
    """Return the file of a shipped suite by name, or any YAML file by path.

    Raises:
        ConfigError: there is none.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        path = shipped_suites().get(name, path)
    if not isfile(path):
        have = shipped_suites()
        msg = f"{name}: must be a YAML file or a shipped suite ({', '.join(have)}); got neither."
        raise ConfigError(msg + suggestion(name, have))
    return path
