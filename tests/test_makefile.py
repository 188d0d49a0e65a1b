"""What make runs is what else claims to run the same."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments):
    command = ["make", "--no-print-directory", "-o", ".venv/.ready", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


@needs_make
def test_pre_commit_runs_the_commands_of_make_check():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert make("--dry-run", "check") == (0, [hook["entry"] for hook in hooks])
    assert not any(hook["pass_filenames"] for hook in hooks)


def test_the_matrix_has_every_python_that_is_supported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    supported = SpecifierSet(project["requires-python"])
    (listed,) = re.findall(r"^PYTHONS := (.+)$", MAKEFILE, re.MULTILINE)
    assert listed.split() == [f"python3.{n}" for n in range(40) if f"3.{n}" in supported]


@needs_make
def test_a_matrix_says_what_was_skipped_and_fails_where_nothing_ran():
    code, lines = make("test-matrix", "PYTHONS=python3.98 python3.99")
    assert code != 0
    assert lines == ["passed: none; failed: none; not installed: python3.98 python3.99"]
