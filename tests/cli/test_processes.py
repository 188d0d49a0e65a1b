"""The command line as the shell sees it: imports, pipes, signals, kills."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import yaml

from acn_eval.checkpoints.native import read_native
from acn_eval.cli.main import cli
from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import load_comparison
from acn_eval.training import train
from tests.cli.storm import storm
from tests.tiny import CPU, recipe, run, start

HELPS = """
import sys
from acn_eval.cli.main import cli, main
for command in ([], *([name] for name in cli.list_commands(None)), ["cache", "prune"], ["nosuch"]):
    try:
        main([*command, "--help"])
    except SystemExit as end:
        assert end.code == (2 if command == ["nosuch"] else 0), command
heavy = {"torch", "mlflow", "scipy", "pandas", "numpy", "kornia", "matplotlib"} & set(sys.modules)
print("heavy:", sorted(heavy))
"""


def test_help_teaches_and_imports_nothing_heavy(tmp_path):
    code, out, err = run(tmp_path, code=HELPS)
    assert code == 0, err
    assert out.endswith("heavy: []\n")
    ours = [name for name in cli.list_commands(None) if name != "rotation"]  # a toy of other tests
    commands = [*ours, "acn-eval", "cache prune"]
    assert out.count("Usage: acn-eval") == len(commands)
    for word in ("robustness", "--ckpt", "Examples:", "Exit codes:", "--save-every"):
        assert word in out


TWICE = """
import os, signal
from acn_eval.cli import main as command

def interrupt(*given, **named):
    os.kill(os.getpid(), signal.SIGINT)

command.cli.main = command._settle = interrupt
command.main()
"""


def test_a_second_ctrl_c_while_the_process_ends_changes_nothing(tmp_path):
    code, out, err = run(tmp_path, code=TWICE)
    assert (code, out) == (130, "")
    assert err.startswith("acn-eval: stopped: ")
    assert len(err.splitlines()) == 1


def test_the_whole_job_with_its_record(folder):
    code, out, err = run(folder, "robustness", "--ckpt", "tiny_ac.pt", "--suite", "small.yaml")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    assert f"sqlite:///{folder}/mlflow.db" in "".join(out.split())
    assert len(list(folder.glob("acn-results/*/result.json"))) == 2
    assert len(list(folder.glob("acn-results/*/comparison.json"))) == 1
    assert len(list(folder.glob("acn-results/*/*.svg"))) == 3
    with closing(sqlite3.connect(folder / "mlflow.db")) as store:
        names = {name for (name,) in store.execute("select name from runs")}
    assert names == {"tiny_ac", "tiny_res", "tiny_ac vs tiny_res"}


@pytest.mark.parametrize(
    "arguments", [("--help",), ("schema",), ("robustness", "--ckpt", "tiny_ac.pt", "--no-track")]
)
def test_a_broken_pipe_is_silent_and_never_1(folder, arguments):
    """The reader is gone before the first line, as in `acn-eval ... | true`."""
    process = start(folder, *arguments)
    process.stdout.close()
    assert process.wait(60) == 4
    assert process.stderr.read() == ""
    process.stderr.close()


@pytest.fixture
def large(folder):
    """Enough pictures for four chunks, and the options of a job on them."""
    rng = np.random.default_rng(0)
    n = 8000
    images = rng.integers(0, 256, (n, 8, 8), dtype=np.uint8)
    labels = rng.integers(0, 10, n)
    np.savez(folder / "large.npz", images=images, labels=labels)
    fixed = ("--suite", "small.yaml", "--data", "npz:large.npz", "--device", "cpu")
    return ("robustness", "--ckpt", "tiny_ac.pt", *fixed, "--batch-size", "64")


def outcomes(folder):
    """Finished outcomes by name; a file that is written again has another inode."""
    files = folder.glob("cache/*/*.outcomes")
    return {f.name: f.stat().st_ino for f in files if not f.name.endswith("-mlflow.outcomes")}


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def cells(folder):
    found = {}
    for path in folder.glob("acn-results/*/result.json"):
        result = EvalResult.load(path.parent)
        found[result.key] = [(c.ids, c.predicted, c.confidence) for c in result.cells]
    return found


def test_an_evaluation_survives_ctrl_c_and_kill_9(folder, large, call):
    process = start(folder, *large, start_new_session=True)
    wait_for(lambda: outcomes(folder), process)
    os.killpg(process.pid, signal.SIGINT)  # the terminal interrupts every process of the job
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    said = re.fullmatch(r"\s*acn-eval: stopped: ([\d,]+) of the 80,000 evaluations .*\n", err)
    assert said, err
    kept, first = int(said[1].replace(",", "")), outcomes(folder)
    assert 0 <= kept <= 2048 * len(first)

    process = start(folder, *large, "--no-track")
    wait_for(lambda: len(outcomes(folder)) > len(first), process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    second = outcomes(folder)
    assert 0 < len(first) < len(second) < 4 * 10  # chunks x (questions x networks)
    assert first.items() <= second.items()
    assert not list(folder.glob("acn-results/*"))

    code, out, err = call(*large, "--no-track")
    assert (code, err) == (0, "")
    assert second.items() <= outcomes(folder).items()  # nothing is done twice
    assert len(outcomes(folder)) == 40

    again = call(*large, "--no-track", "--no-cache", "--out", "anew/acn-results")
    assert again == (0, out.replace("results: acn-results", "results: anew/acn-results"), "")
    resumed, whole = cells(folder), cells(folder / "anew")
    assert resumed.keys() == whole.keys()
    for key, expected in whole.items():
        for one, other in zip(resumed[key], expected, strict=True):
            assert all(map(np.array_equal, one, other))


EIGHT = ("robustness", "--limit", 20, "--device", "cpu", "--batch-size", 64)


def one_of_each(folder):
    """Of a round of eight: they said the same, and what they kept is there once and whole."""
    assert len({(folder / f"{number}.txt").read_text() for number in range(8)}) == 1
    results = [EvalResult.load(p.parent) for p in folder.glob("acn-results/*/result.json")]
    assert sorted(result.checkpoint.name for result in results) == ["tiny_ac", "tiny_res"]
    (comparison,) = folder.glob("acn-results/*/comparison.json")
    assert load_comparison(comparison.parent).candidate.label == "tiny_ac"
    assert not list(folder.rglob("*.part*"))


def test_eight_processes_with_one_question_do_not_trip_each_other(folder):
    command = (*EIGHT, "--ckpt", "tiny_ac.pt", "--suite", "small.yaml", "--no-track")
    assert storm(8, command) == [0] * 8
    one_of_each(folder)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_rounds_of_eight_with_figures_and_one_store(folder):
    rounds = [folder / "rounds" / f"{number:02}" for number in range(20)]
    for one in rounds:
        one.mkdir(parents=True)
    given = (*EIGHT, "--ckpt", folder / "tiny_ac.pt", "--suite", folder / "small.yaml")
    subprocess.run(
        [sys.executable, "-m", "tests.cli.storm", folder / "rounds", "8", *map(str, given)],
        cwd=Path(__file__).parents[2],
        check=True,
    )
    for one in rounds:
        assert (one / "codes").read_text() == repr([0] * 8)
        one_of_each(one)
        assert len(list(one.glob("acn-results/*/*.svg"))) == 3
        with closing(sqlite3.connect(one / "mlflow.db")) as store:
            runs = store.execute("select name, status, lifecycle_stage from runs").fetchall()
        names = ("tiny_ac", "tiny_ac vs tiny_res", "tiny_res")
        assert sorted(runs) == [(name, "FINISHED", "active") for name in names]


def test_a_training_survives_kill_9(folder):
    plan = recipe(steps=150, batch=32, augment={"crop_padding": 1}, select="validation")
    (folder / "mine.yaml").write_text(yaml.safe_dump(plan.model_dump(mode="json")))
    train(plan, folder / "whole.pt", device=CPU)
    command = ("train", "mine.yaml", "--out", "mine.pt", "--device", "cpu", "--save-every")
    resume = folder / "mine.pt.resume"

    process = start(folder, *command, "0.0001")
    wait_for(resume.exists, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (folder / "mine.pt").exists()

    code, out, err = run(folder, *command, "5")
    assert (code, err) == (0, "")
    assert "% on 351 validation images (validation at step " in out
    assert not resume.exists()
    one, other = read_native(folder / "mine.pt"), read_native(folder / "whole.pt")
    assert all((one.state[name] == other.state[name]).all() for name in other.state)
    assert one.card.training.selected == other.card.training.selected
    assert one.card.training.steps == 150
