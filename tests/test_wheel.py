"""The built wheel carries suites and checkpoints, and finds them without a working copy."""

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIND = """
import acn_eval
from acn_eval.checkpoints import find
from acn_eval.cli.main import main
from acn_eval.shipped import shipped
from acn_eval.suites import read_suite, shipped_suites
print(acn_eval.__file__)
print(shipped("suites"))
print(*shipped_suites())
read_suite("robustness")
print(*sorted(p.relative_to(shipped("checkpoints")).as_posix()
              for p in shipped("checkpoints").rglob("*") if p.is_file()))
"""


def files_of(kind):
    found = (ROOT / kind).rglob("*")
    return {p.relative_to(ROOT).as_posix() for p in found if p.is_file() and p.name[0] != "."}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_what_a_report_is_made_of_is_inside(unpacked):
    folder = unpacked / "acn_eval" / "report" / "templates"
    assert {p.name for p in folder.iterdir()} == {"report.html", "report.css"}


@pytest.mark.parametrize("kind", ["suites", "checkpoints"])
def test_what_is_shipped_is_inside(unpacked, kind):
    inside = {
        p.relative_to(unpacked / "acn_eval" / "_shipped").as_posix()
        for p in (unpacked / "acn_eval" / "_shipped" / kind).rglob("*")
        if p.is_file()
    }
    assert files_of(kind) <= inside
    assert inside


def test_nothing_else_is_installed(unpacked):
    assert {p.name.split("-")[0] for p in unpacked.iterdir()} == {"acn_eval"}


def test_the_command_and_the_licence_are_declared(unpacked):
    (info,) = unpacked.glob("*.dist-info")
    assert "acn-eval = acn_eval.cli.main:main" in (info / "entry_points.txt").read_text()
    metadata = (info / "METADATA").read_text()
    assert f"Version: {importlib.metadata.version('acn-eval')}" in metadata
    assert "License-Expression: Apache-2.0" in metadata


def test_an_installed_package_finds_what_is_shipped(unpacked, tmp_path):
    """Away from the working copy; -S and the path keep the editable installation out."""
    site = Path(importlib.metadata.distribution("pytest").locate_file(""))
    code = f"import sys; sys.path[:0] = [{str(unpacked)!r}, {str(site)!r}]\n" + FIND
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    home, suites, names, checkpoints = done.stdout.splitlines()
    assert Path(home) == unpacked / "acn_eval" / "__init__.py"
    assert Path(suites) == unpacked / "acn_eval" / "_shipped" / "suites"
    assert "robustness" in names.split()
    assert {f"checkpoints/{name}" for name in checkpoints.split()} >= files_of("checkpoints")


def test_the_working_copy_comes_first():
    from acn_eval.shipped import shipped

    assert shipped("suites") == ROOT / "suites"
