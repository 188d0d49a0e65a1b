"""Exit codes of the gate where its output cannot be written, in processes of their own."""

import json
import shlex
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from acn_eval.cli import gate as command
from acn_eval.cli.failures import explained
from acn_eval.cli.main import main
from acn_eval.gate import decide, read_gate
from acn_eval.workflow import Decided, Promotion
from acn_eval.workflow.promoting import keep
from tests.gate.pairs import pair
from tests.tiny import START, environment, run

ROOT = Path(__file__).parents[2]
GATE = "kind: gate\nname: stored\nmargins: {primary: 0.02, clean: 0.02, cell: 0.1}\n"
PAIRS = {
    "pass": pair(1000, clean=(5, 5)),
    "fail": pair(1000, clean=(0, 100)),
    "no verdict": pair(50, clean=(1, 1)),
}
HEARD = {"pass": 0, "fail": 1, "no verdict": 3}
LOST = {"pass": 4, "fail": 1, "no verdict": 4}
# Options, stdout, stderr, environment; "|" is a pipe that nobody reads.
HEARD_ENDINGS = {
    "all is well": ([], "out", "err", {}),
    "stderr": ([], "out", "/dev/full", {}),
}
LOST_ENDINGS = {
    "stdout": ([], "/dev/full", "err", {}),
    "stdout, quiet": (["--quiet"], "/dev/full", "err", {}),
    "stdout, JSON": (["--json", "-"], "/dev/full", "err", {}),
    "both": ([], "/dev/full", "/dev/full", {}),
    "pipe": (["--quiet"], "|", "err", {}),
    "pipe, JSON": (["--json", "-"], "|", "err", {}),
    "both pipes": ([], "|", "|", {}),
    "JUnit": (["--junit", "/dev/full"], "out", "err", {}),
    "JUnit, both": (["--junit", "/dev/full"], "/dev/full", "/dev/full", {}),
    "Markdown": (["--markdown", "/dev/full"], "out", "err", {}),
    "JSON": (["--json", "/proc/nosuch/a.json"], "out", "err", {}),
    "summary": ([], "out", "err", {"GITHUB_STEP_SUMMARY": "/dev/full"}),
    "output": ([], "out", "err", {"GITHUB_OUTPUT": "/proc/nosuch"}),
}
EACH = '''
import json, os, sys
from acn_eval.cli.main import main
import acn_eval.terminal.gate_words, acn_eval.gate, pandas, pyarrow.dataset

def opened(place):
    if place != "|":
        return os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    read, write = os.pipe()
    os.close(read)
    return write

def ended(arguments):
    """The code that Python ends with, without the half second that it takes to tidy up."""
    code = 1
    try:
        main(arguments)
    except SystemExit as end:
        code = end.code
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        code = 120
    return code

codes = []
for arguments, out, err, variables in json.load(open("jobs.json")):
    child = os.fork()
    if not child:
        os.environ.update(variables)
        os.dup2(opened(err), 2)
        os.dup2(opened(out), 1)
        os._exit(ended(arguments))
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    said = open("err").read() if os.path.exists("err") else ""
    assert len(said.splitlines()) < 2, said
print(json.dumps(codes))
'''


@pytest.fixture
def stored(tmp_path):
    """Options of a gate on the stored results of each pair."""
    (tmp_path / "stored.yaml").write_text(GATE)
    folders = {
        name: [str(side.save(tmp_path / name)) for side in sides] for name, sides in PAIRS.items()
    }
    return {
        name: ["gate", "--suite", "stored.yaml", "--result", one, "--against", other]
        for name, (one, other) in folders.items()
    }


def test_nothing_but_a_regression_exits_1(stored, tmp_path):
    """Endings in children of one process that has imported what a gate needs."""
    jobs, expected = [], {}
    for name, options in stored.items():
        for endings, codes in ((HEARD_ENDINGS, HEARD), (LOST_ENDINGS, LOST)):
            for ending in (
                endings if name == "pass" else list(endings)[:: 4 if codes is LOST else 1]
            ):
                more, *streams = endings[ending]
                jobs.append([[*options, *more], *streams])
                expected[name, ending] = codes[name]
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    code, out, err = run(tmp_path, code=EACH)
    assert code == 0, err
    assert dict(zip(expected, json.loads(out), strict=True)) == expected


def shell(folder, text):
    """Run in bash; the exit code is that of acn-eval, not of what reads its output."""
    text = f"{sys.executable} -c '{START}' {text}; exit ${{PIPESTATUS[0]}}"
    own = {**environment(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", text], cwd=folder, env=own, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", PAIRS)
@pytest.mark.parametrize(
    ("ending", "codes"),
    [
        ("> out", HEARD),
        ("2> /dev/full", HEARD),
        ("2>&-", HEARD),
        ("> /dev/full", LOST),
        ("> /dev/full 2> /dev/full", LOST),
        ("--junit /dev/full 2> /dev/full", LOST),
        (">&-", LOST),
        ("--quiet | true", LOST),
        ("| true", LOST),
    ],
)
def test_a_shell_sees_the_same(stored, tmp_path, case, ending, codes):
    done = shell(tmp_path, f"{shlex.join(map(str, stored[case]))} {ending}")
    assert done.returncode == codes[case], done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.slow
def test_usage_is_2_even_where_nobody_reads_why(tmp_path):
    assert shell(tmp_path, "gate --nosuch 2> /dev/full").returncode == 2


def test_one_file_that_cannot_be_written_costs_no_other(stored, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = ["--json", "/dev/full", "--junit", "g.xml", "--markdown", "g.md"]
    with pytest.raises(SystemExit) as ended:
        main([*stored["fail"], *files])
    said = capsys.readouterr()
    assert (ended.value.code, said.err) == (1, "acn-eval: the disk: No space left on device\n")
    assert "FAIL: new is worse than old" in " ".join(said.out.split())
    assert (tmp_path / "g.xml").read_text().startswith("<?xml")
    assert (tmp_path / "g.md").read_text().startswith("### FAIL")


def test_no_exception_is_explained_with_1():
    failures = [SystemExit(1), BrokenPipeError(), OSError("odd"), MemoryError(), SystemError("x")]
    assert {explained(exc) for exc in failures} == {4}


@pytest.mark.parametrize(("losses", "expected"), [(0, 4), (200, 1)])
def test_results_that_cannot_be_kept_cost_the_record_and_not_the_verdict(
    losses, expected, tmp_path, monkeypatch, capsys
):
    """As where the disk is full, or a folder gone, once the images have been shown."""

    def measured(gate, options, promotion, **given):
        sides = pair(1000, clean=(0, losses))
        verdict = decide(read_gate(gate), *sides)
        results = {side.key: side for side in sides}
        kept = keep(verdict, results, options, Promotion(), given["recorder"])
        return Decided(verdict, kept.lines, kept.failure)

    (tmp_path / "stored.yaml").write_text(GATE)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("acn_eval.workflow.decide", measured)
    monkeypatch.setattr(command, "recording", lambda options, *files: nullcontext())
    job = "gate --ckpt a --baseline b --no-track --suite stored.yaml --out file/results"
    with pytest.raises(SystemExit) as ended:
        main(job.split())
    said = capsys.readouterr()
    assert ended.value.code == expected
    assert ("FAIL: new is worse" if losses else "PASS: new is not worse") in " ".join(
        said.out.split()
    )
    assert "file/results" in said.err
