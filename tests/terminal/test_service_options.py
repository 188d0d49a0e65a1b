"""Options of the commands of the service."""

import sys
from pathlib import Path

import pytest

from acn_eval.errors import MissingExtra
from acn_eval.terminal.service_options import database_url, service_extra


def test_the_database_is_the_one_given_or_a_file_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert database_url("postgresql://db/acn", Path("home")) == "postgresql://db/acn"
    assert database_url(None, Path("home")) == f"sqlite:///{tmp_path}/home/service.db"


def test_a_package_of_the_extra_is_named_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    needs = pytest.raises(MissingExtra, match="acn-eval serve: needs service; pip install")
    with needs, service_extra("acn-eval serve"):
        import uvicorn  # noqa: F401
    with pytest.raises(ModuleNotFoundError, match="another"), service_extra("acn-eval serve"):
        raise ModuleNotFoundError("another", name="another")
