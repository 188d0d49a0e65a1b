"""Suites and checkpoints are found in a working copy and in an installed wheel."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import acn_eval
from acn_eval.shipped import shipped


@pytest.mark.parametrize("kind", ["suites", "checkpoints"])
def test_the_working_copy_comes_first(kind):
    assert shipped(kind) == Path(acn_eval.__file__).parents[1] / kind
    assert any(shipped(kind).rglob("*.yaml"))


def asked(site):
    code = "from acn_eval.shipped import shipped; print(shipped('suites'))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=site,
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


def test_an_installed_package_has_its_own_copy(tmp_path):
    """A package beside which somebody else's ``suites`` lies takes its own."""
    package = tmp_path / "acn_eval"
    package.mkdir()
    (package / "__init__.py").touch()
    shutil.copy(Path(acn_eval.__file__).parent / "shipped.py", package)
    (tmp_path / "suites").mkdir()
    assert asked(tmp_path) == package / "_shipped" / "suites"
    (tmp_path / "pyproject.toml").touch()
    assert asked(tmp_path) == tmp_path / "suites"
