"""Wheel and sdist hold exactly what they should; the wheel works without a working copy."""

import importlib.metadata
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIND = """
import acn_eval
from acn_eval.checkpoints import find
from acn_eval.cli.main import main
from acn_eval.shipped import shipped
from acn_eval.studies.read import read_suite
from acn_eval.study.suite import shipped_suites
print(acn_eval.__file__)
print(shipped("suites"))
print(*shipped_suites())
read_suite("robustness")
print(*sorted(p.relative_to(shipped("checkpoints")).as_posix()
              for p in shipped("checkpoints").rglob("*") if p.is_file()))
"""


SHIPPED = ("acn_eval", "suites", "checkpoints", "docs/glossary.md")
ABOUT = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml", ".gitignore"}


def files_of(*folders):
    """What belongs to the working copy there: tracked, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the sdist, and with the wheel that is built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "-o", folder, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def unpacked(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_sdist_holds_what_the_package_is_made_of_and_no_tests(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert all(member.isfile() for member in members)
    inside = {member.name.partition("/")[2] for member in members}
    assert inside == files_of(*SHIPPED) | ABOUT


def test_the_wheel_holds_what_is_installed_and_nothing_else(unpacked):
    inside = {p.relative_to(unpacked).as_posix() for p in unpacked.rglob("*") if p.is_file()}
    info = f"acn_eval-{importlib.metadata.version('acn-eval')}.dist-info"
    about = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    code, *shipped = (files_of(folder) for folder in SHIPPED)
    assert inside == {
        *code,
        *(f"acn_eval/_shipped/{name}" for files in shipped for name in files),
        *(f"{info}/{name}" for name in about),
    }


def test_the_wheel_tells_type_checkers_that_it_is_typed(unpacked):
    assert (unpacked / "acn_eval" / "py.typed").is_file()


def test_what_a_report_is_made_of_is_inside(unpacked):
    folder = unpacked / "acn_eval" / "report" / "templates"
    assert {p.name for p in folder.iterdir()} == {"report.html", "report.css"}


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
    assert {f"checkpoints/{name}" for name in checkpoints.split()} == files_of("checkpoints")


def test_the_working_copy_comes_first():
    from acn_eval.shipped import shipped

    assert shipped("suites") == ROOT / "suites"
