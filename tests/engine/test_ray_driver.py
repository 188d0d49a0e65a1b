"""The process that speaks with Ray, without the one that measures."""

import subprocess
import sys
from multiprocessing import Pipe

import pytest

from acn_eval.engine.ray_messages import Ended, Terms

pytest.importorskip("ray")


def test_the_last_line_of_an_error_says_why():
    from ray.exceptions import OutOfMemoryError

    from acn_eval.engine.ray_driver import _line

    assert (
        _line(RuntimeError("a traceback\n  of several lines\nValueError: no\n"))
        == "ValueError: no"
    )
    assert _line(RuntimeError()) == "RuntimeError"
    memory = OutOfMemoryError("Task was killed due to the node running low on memory.\nRefer to")
    assert _line(memory).startswith("memory ran out on its machine. Fewer workers")


@pytest.mark.slow
def test_what_ray_refuses_is_said(tmp_path):
    ours, theirs = Pipe()
    code = "from acn_eval.engine.ray_driver import serve; serve(0)"
    with ours, theirs:
        ours.send(Terms("nowhere", str(tmp_path), 1, 1, 0, "cpu"))
        command = [sys.executable, "-c", code]
        subprocess.run(command, stdin=theirs.fileno(), capture_output=True)
        said = ours.recv()
    assert isinstance(said, Ended)
    assert "nowhere" in said.reason
