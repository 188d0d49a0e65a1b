"""Entry points are those that importlib.metadata finds, wherever a package is installed."""

import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from acn_eval.errors import ConfigError
from acn_eval.plugins import installed, plugin

TOYS = Path(__file__).parent / "toys"


@pytest.fixture(params=["folder", "archive", "egg-info", "egg"])
def toy(request, tmp_path, monkeypatch):
    """The toy corruption as pip, a zip file, an old editable install or an egg leaves it."""
    place = tmp_path / ("site.egg" if request.param == "egg" else "site")
    shutil.copytree(TOYS / "corruption", place)
    if request.param == "archive":
        place = Path(shutil.make_archive(str(place), "zip", place))
    elif request.param != "folder":
        (info,) = place.glob("*.dist-info")
        old = place / "EGG-INFO" if request.param == "egg" else info.with_suffix(".egg-info")
        info.rename(old)
        (old / "METADATA").rename(old / "PKG-INFO")
    monkeypatch.syspath_prepend(str(place))
    return place


def names(group):
    return sorted({point.name for point in entry_points(group=f"acn_eval.{group}")})


@pytest.mark.usefixtures("toy")
def test_an_installed_name_is_found():
    assert installed("corruptions") == names("corruptions")
    assert "shade" in installed("corruptions")
    assert plugin("corruptions", "shade").__name__ == "Shade"


def test_nothing_is_found_where_nothing_is_installed(monkeypatch):
    monkeypatch.setattr(sys, "path", [place for place in sys.path if "toys" not in place])
    for group in ("checkpoints", "corruptions", "data", "studies"):
        assert installed(group) == names(group)
    assert plugin("corruptions", "shade") is None


def test_a_package_that_cannot_be_imported_is_named(tmp_path, monkeypatch):
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[acn_eval.data]\nbroken = not_there:open\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match="broken: not_there:open must be importable"):
        plugin("data", "broken")


def test_the_help_imports_neither_metadata_nor_what_draws():
    code = """
import sys
from acn_eval.cli.main import main
try:
    main(["--help"])
except SystemExit:
    print({"importlib.metadata", "rich.console", "torch"} & {*sys.modules})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")
