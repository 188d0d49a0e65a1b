"""A worker ends with the process that started it, and says what went wrong."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from acn_eval.engine.worker import portable
from acn_eval.errors import MissingExtra
from tests.engine.tasks import Odd, alive, wait_for


def test_an_error_that_a_user_can_act_on_crosses_as_it_is():
    error = MissingExtra("timm:vit", "timm")
    assert portable(error) is error
    assert not hasattr(error, "__notes__")


def test_another_error_takes_its_traceback_along():
    error = portable(KeyError("nothing"))
    assert type(error) is KeyError
    assert "KeyError: 'nothing'" in error.__notes__[0]


@pytest.mark.parametrize(
    "held", [Odd("one", "two"), OSError(threading.Lock())], ids=["odd", "lock"]
)
def test_one_that_cannot_cross_is_told(held):
    found = portable(held)
    assert type(found) is RuntimeError
    assert type(held).__name__ in str(found)


DRIVER = """
import ctypes, os, sys, torch
from pathlib import Path
from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.processes import Processes
from tests.engine.tasks import Waiting, wait_for

engine = Processes(EngineChoice("processes", 2), torch.device("cpu"))
folder = Path(sys.argv[1])
for found in engine.run([Waiting(folder, "a"), Waiting(folder, "b")], print):
    if len(sys.argv) > 2:  # as a library does, unknown to Python
        ctypes.CDLL(None).fork() or (wait_for((folder / "gone").exists), os._exit(0))
    print(found.item, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kill", "forks"),
    [
        (signal.SIGKILL, ()),
        (signal.SIGTERM, ()),
        (signal.SIGINT, ()),
        (signal.SIGKILL, ("forks",)),
    ],
    ids=["SIGKILL", "SIGTERM", "SIGINT", "SIGKILL of one that has forked"],
)
def test_workers_end_with_their_driver_and_leave_nothing(tmp_path, kill, forks):
    (tmp_path / "temporary").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path), *forks],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TMPDIR": str(tmp_path / "temporary"),
        },
        text=True,
    ) as driver:
        pids = [int(driver.stdout.readline()) for _ in range(2)]
        assert list((tmp_path / "temporary").iterdir())
        driver.send_signal(kill)
        driver.wait(60)
    wait_for(lambda: not any(map(alive, pids)))
    (tmp_path / "gone").touch()
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.slow
def test_the_code_of_a_script_from_stdin_is_sent_along():
    script = (
        DRIVER.partition("engine = ")[0].replace("import ctypes, os, sys, torch", "import torch")
        + """
class Double:
    def __init__(self, n):
        self.n = n
    def __call__(self, show):
        yield twice(self.n)

def twice(n):
    return 2 * n

with Processes(EngineChoice("processes", 1), torch.device("cpu")) as engine:
    print([found.item for found in engine.run(map(Double, range(3)), None)])
"""
    )
    done = subprocess.run(
        [sys.executable, "-"],
        input=script,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stdout, done.stderr) == ("[0, 2, 4]\n", "")
