"""What make runs is what else claims to run the same."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
MAKEFILE = (ROOT / "Makefile").read_text()
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments):
    """Exit code and lines, as if no make were running these tests."""
    command = ["make", "--no-print-directory", "-o", ".venv/.ready", *arguments]
    alone = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, cwd=ROOT, env=alone, capture_output=True, text=True, check=False
    )
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
@pytest.mark.parametrize(
    ("run", "pythons", "code", "said"),
    [
        ("true", "python3.99", 2, "passed: none; failed: none; not installed: python3.99"),
        ("true", "HERE python3.99", 0, "passed: HERE; failed: none; not installed: python3.99"),
        ("false", "HERE", 2, "passed: none; failed: HERE; not installed: none"),
    ],
)
def test_a_matrix_says_which_pythons_passed_failed_and_are_missing(run, pythons, code, said):
    """With another command in place of `make test`; a matrix that tested nothing fails, too."""
    pythons, said = (text.replace("HERE", sys.executable) for text in (pythons, said))
    assert make("test-matrix", f"PYTHONS={pythons}", f"MAKE={run}") == (code, [said])
