"""The entry point: commands by name, streams of any encoding, and bugs with their traceback."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.tiny import run

JOB = ("robustness", "--no-track", "--device", "cpu")


GOOD = (*JOB, "--ckpt", "tiny_ac.pt", "--suite", "small.yaml", "--limit", "8")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nosuch",),
        ("robustness",),
        ("robustness", "--nosuch"),
        ("robustness", "--ckpt", "tiny_ac.pt", "--limit", "0"),
        ("robustness", "--ckpt", "tiny_ac.pt", "--batch-size", "many"),
        ("robustness", "--ckpt", "tiny_ac.pt", "--seed", str(2**63)),
        ("train", "mine.yaml", "--seed", str(2**64)),
        ("robustness", "--ckpt", "tiny_ac.pt", "--class-map", "nosuch.yaml"),
        ("train",),
        ("cache", "nosuch"),
        ("--nosuch",),
        (),
    ],
    ids=" ".join,
)
def test_usage_errors_exit_2(folder, call, arguments):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: acn-eval" in err
    assert "Traceback" not in err


def test_a_bug_keeps_its_traceback_and_never_exits_1(folder, call, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("acn_eval.evaluation.ask", broken)
    code, out, err = call(*GOOD)
    assert (code, out) == (4, "")
    assert "Traceback" in err
    assert "ZeroDivisionError: deep inside" in err
    assert err.splitlines()[-1].startswith("acn-eval: this is a bug in acn-eval; please report")


def test_a_stream_that_knows_ascii_alone_is_written_all_the_same(folder, monkeypatch):
    """As in the locale C."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    shutil.copy(folder / "tiny_ac.pt", folder / "caf\u00e9.pt")
    arguments = (*GOOD[:4], *GOOD[6:], "--ckpt", "caf\u00e9.pt", "--no-baseline")
    code, out, err = run(folder, *arguments)
    assert (code, err) == (0, "")
    assert r"caf\xe9" in out


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (("robustnes",), "robustness"),
        (("compar", "A"), "compare"),
        (("plan", "--suite", "robustnes", "--n", "9"), "robustness"),
        (("robustness", "--ckpt", "ac_vit.pt", "--data", "cifr10"), "cifar10"),
        (("compare", "A", "--metric", "brie"), "brier"),
    ],
    ids=lambda line: line[-1] if isinstance(line, tuple) else "",
)
def test_a_misspelt_name_gets_a_suggestion(folder, call, line, meant):
    code, out, err = call(*line)
    assert (code, out) == (2, "")
    assert f"Did you mean {meant}?" in err


def test_a_name_that_is_near_none_gets_no_suggestion(call):
    assert "Did you mean" not in call("xyzzy")[2]


def test_the_module_is_the_command_and_completes_words():
    line = [sys.executable, "-m", "acn_eval"]
    told = {
        "_ACN_EVAL_COMPLETE": "bash_complete",
        "COMP_WORDS": "acn-eval comp",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(line, env=os.environ | told, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["plain,compression", "plain,compare"]
