"""Calling the command line inside this process, in a folder of its own."""

import re
import shutil

import pytest

from tests.tiny import SUITE


@pytest.fixture
def folder(tiny, tmp_path, monkeypatch):
    """A working directory with the tiny pair and a small suite; figures take seconds: no figures.

    Processes of their own do draw them.
    """
    for name in ("tiny_ac.pt", "tiny_res.pt"):
        shutil.copy(tiny / name, tmp_path)
    (tmp_path / "small.yaml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACN_EVAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("acn_eval.terminal.job.draw_missing", lambda *arguments: None)
    return tmp_path


@pytest.fixture
def call(capsys):
    """Call ``main``; returns (exit code, stdout, stderr)."""
    from acn_eval.cli.main import main

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return caught.value.code, captured.out, captured.err

    return run


@pytest.fixture
def refused(call):
    """Call ``main`` for an error; returns its one line."""

    def run(code, *arguments):
        got, out, err = call(*arguments)
        assert (got, out) == (code, "")
        assert re.fullmatch(r"acn-eval: [^\n]+\n", err), err
        return err

    return run
