"""`acn-eval ui` serves the store, prints the pages, and ends cleanly."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from acn_eval.cli.ui import command
from acn_eval.errors import ConfigError
from acn_eval.tracking import record
from tests.fakes import fake_result

REPOSITORY = Path(__file__).parents[2]
RUN = "from acn_eval.cli.ui import command; command()"


def test_pages_are_printed_and_an_interrupt_leaves_no_process(tmp_path):
    record([fake_result()], cwd=tmp_path)
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "--port", "0"],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        curves, comparisons = process.stdout.readline(), process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert curves.startswith("acn-eval/robustness, curves  http://127.0.0.1:")
    assert "workflowType=machine_learning&compareRunsMode=CHART" in curves
    assert "comparison" in comparisons
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert children
    assert not any(child.is_running() for child in children)


def test_a_folder_without_runs_is_told_so(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="Evaluate something first"):
        CliRunner().invoke(command, ["--port", "0"], catch_exceptions=False)
