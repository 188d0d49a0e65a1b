"""Blocks of code in README and docs run or are parsed; others stand here, with the reason.

A block of ``text`` is a tree of files.
"""

import re
import shlex
from pathlib import Path

import click
import pytest

from acn_eval.cli.main import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n|^\n)+", re.MULTILINE)
COMMAND = re.compile(r"^ *(?:\$ )?acn-eval ((?:.*\\\n)*.*)$", re.MULTILINE)
NOT_RUN = {
    "make demo": "the continuous integration runs it",
    "make test": "it runs this test",
    "pip install -e .": "file names of the reader's; the options are parsed below",
    "import torch\n\nfrom acn_eval import Data": "workers; tests/engine/test_processes.py",
    "pip install 'acn-eval[ray]'": "several machines; tests/engine/test_ray_process.py",
    "$ acn-eval plan --n 10000": "a suite of the reader's; the options are parsed below",
    "import mlflow": "a network of the reader's; tests/mlflow_plugin, test_registered.py",
    "from acn_eval.checkpoints import find\nfrom mlflow": "tests/service/test_end_to_end.py",
    "from acn_eval.client import": "a service of the reader's; tests/test_client.py",
    "from pathlib import Path\nfrom acn_eval.stores": "results of the reader's; tests/tracking",
}


def blocks():
    return [
        (page.name, language, text)
        for page in PAGES
        for language, text in FENCED.findall(page.read_text())
    ]


def reason(text):
    return next((why for first, why in NOT_RUN.items() if text.startswith(first)), None)


PYTHON = [(page, text) for page, language, text in blocks() if language == "python"]
RUN_HERE = [(page, text) for page, text in PYTHON if page != "README.md" and not reason(text)]


@pytest.mark.parametrize(("page", "text"), RUN_HERE, ids=[page for page, _ in RUN_HERE])
def test_python_of_the_docs_runs(page, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(text, page, "exec"), {})


def test_every_block_runs_or_says_why_not():
    shown = [text for page, _, text in blocks() if page == "README.md" and "$ acn-eval" in text]
    run = [*shown, *(text for page, text in PYTHON if page == "README.md" or not reason(text))]
    left = [
        (page, text)
        for page, language, text in blocks()
        if language not in {"yaml", "text"} and text not in run and not reason(text)
    ]
    assert left == []


def test_no_reason_is_left_without_its_block():
    texts = [text for _, _, text in blocks()]
    assert [first for first in NOT_RUN if not any(t.startswith(first) for t in texts)] == []


def commands():
    """The words of every command in a block: fenced, or indented by four."""
    for page in PAGES:
        text = page.read_text()
        code = [found for _, found in FENCED.findall(text)] + INDENTED.findall(text)
        for found in COMMAND.findall("\n".join(code)):
            yield page.name, shlex.split(found.replace("\\\n", " "), comments=True)


COMMANDS = list(commands())


@pytest.mark.parametrize(
    ("page", "words"), COMMANDS, ids=[f"{page}: {shlex.join(words)}" for page, words in COMMANDS]
)
def test_options_of_documented_commands_exist(page, words, tmp_path):
    """Parsed as the command line does; folders that the reader has are one that is there."""
    name, *rest = words
    there = [str(tmp_path) if "DIR" in word else word for word in rest]
    # Commands remember the names of their option for help, which are those of the parent.
    parent = click.Context(cli, **cli.context_settings)
    command = cli.get_command(parent, name)
    assert command is not None, name
    command.make_context(name, there, parent=parent)


def test_the_commands_of_readme_and_docs_are_found():
    assert len(COMMANDS) > 50
    assert {"README.md", "compression.md", "gate.md"} <= {page for page, _ in COMMANDS}
