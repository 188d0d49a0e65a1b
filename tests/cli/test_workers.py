"""The command line with workers: its signals and kills, two at once, networks of own code."""

import os
import re
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.engine.tasks import alive, wait_for
from tests.tiny import run, start

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
WORKERS = ("--workers", 2, "--no-track")


@pytest.fixture
def large(folder):
    """Enough pictures for four chunks, and the options of a job on them."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8000, 8, 8), dtype=np.uint8)
    np.savez(folder / "large.npz", images=images, labels=rng.integers(0, 10, 8000))
    fixed = ("--suite", "small.yaml", "--data", "npz:large.npz", "--device", "cpu")
    return ("robustness", "--ckpt", "tiny_ac.pt", *fixed, "--batch-size", "64")


def outcomes(folder):
    """Finished outcomes by name; a file that is written again has another inode."""
    return {f.name: f.stat().st_ino for f in folder.glob("cache/*/*.outcomes")}


def cells(folder):
    return {f.parent.name: f.read_bytes() for f in folder.glob("acn-results/*/cells*.parquet")}


def workers(process):
    return [own.pid for own in psutil.Process(process.pid).children()]


def until(condition, process):
    def ended_or():
        assert process.poll() is None, process.communicate()
        return condition()

    wait_for(ended_or, 300)


def test_ctrl_c_and_kill_9_leave_no_worker_and_lose_nothing(folder, large):
    process = start(folder, *large, *WORKERS, start_new_session=True)
    until(lambda: outcomes(folder), process)
    theirs = workers(process)
    assert len(theirs) == 2
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, out) == (130, "")
    assert re.fullmatch(r"\s*acn-eval: stopped: [\d,]+ of the 80,000 evaluations .*\n", err), err
    assert not any(map(alive, theirs))
    first = outcomes(folder)

    process = start(folder, *large, *WORKERS)
    until(lambda: len(outcomes(folder)) > len(first), process)
    theirs = workers(process)
    process.kill()
    process.communicate()
    wait_for(lambda: not any(map(alive, theirs)))
    second = outcomes(folder)
    assert first.items() <= second.items()
    assert len(second) < 40

    code, out, err = run(folder, *large, *WORKERS)
    assert (code, err) == (0, "")
    assert second.items() <= outcomes(folder).items()  # nothing is done twice
    assert len(outcomes(folder)) == 40

    anew = ("--no-cache", "--no-track", "--out", "anew/acn-results")
    assert run(folder, *large, *anew)[0] == 0
    assert cells(folder) == cells(folder / "anew") != {}


def test_two_drivers_share_what_they_find(folder, large):
    both = [start(folder, *large, *WORKERS, "--out", f"{k}/acn-results") for k in range(2)]
    said = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(outcomes(folder)) == 40
    assert cells(folder / "0") == cells(folder / "1") != {}


def test_stdout_is_the_document_alone(folder):
    few = ("robustness", "--ckpt", "tiny_ac.pt", "--suite", "small.yaml", "--limit", 60)
    code, out, err = run(folder, *few, *WORKERS, "--json", "-")
    assert (code, err) == (0, "")
    assert out.startswith("{")
    assert out.rstrip().endswith("}")


OWN = """
import torch
import acn_eval
from acn_eval.data import Geometry, PrepareImages
from parts import Doubled

class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = Doubled(64, 10)
        with torch.no_grad():
            self.layer.bias.zero_()
            self.layer.weight.copy_(torch.arange(640.0).reshape(10, 64).sin())

    def forward(self, images):
        return self.layer(images.flatten(1))

def made():
    prepare = PrepareImages(Geometry(8, 1), (0.5,), (0.5,))
    classes = tuple("0123456789")
    network = Network().eval()
    {kept}
    return acn_eval.from_module(
        network, name="mine", classes=classes, prepare=prepare, data="digits"
    )
"""
PARTS = """
import torch

class Doubled(torch.nn.Linear):
    def forward(self, values):
        return super().forward(twice(values))

def twice(values):
    return 2 * values
"""
MINE = ("--suite", "small.yaml", "--limit", 60, "--device", "cpu", "--no-track")


def write(folder: Path, kept=""):
    (folder / "code").mkdir()
    (folder / "code" / "mine.py").write_text(OWN.replace("{kept}", kept))
    (folder / "code" / "parts.py").write_text(PARTS)
    return ("robustness", "--ckpt", "module:code/mine.py:made", "--baseline", "tiny_res.pt", *MINE)


def test_a_network_of_own_code_is_measured_in_workers(folder):
    job = write(folder)
    code, _, err = run(folder, *job, "--workers", 2)
    assert (code, err) == (0, "")
    assert run(folder, *job, "--no-cache", "--threads", 1, "--out", "anew/acn-results")[0] == 0
    assert cells(folder) == cells(folder / "anew") != {}


def test_one_that_cannot_be_sent_says_so(folder):
    job = write(folder, kept="import threading; network.lock = threading.Lock()")
    code, out, err = run(folder, *job, "--workers", 2)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"acn-eval: --engine: must be local for what no other .*lock.*\n", err), (
        err
    )


def test_memory_that_runs_out_in_a_worker_halves_its_batches(folder):
    short = """def small(module, given):
        if len(given[0]) > 16:
            raise MemoryError
    network.register_forward_pre_hook(small)"""
    job = write(folder, kept=short)
    code, _, err = run(folder, *job, "--workers", 2)
    assert (code, err) == (0, "")
    options = ("--no-cache", "--threads", 1, "--batch-size", 16, "--out", "anew/acn-results")
    assert run(folder, *job, *options)[0] == 0
    found = [sorted(own.values()) for own in (cells(folder), cells(folder / "anew"))]
    assert found[0] == found[1]
    assert len(found[0]) == 2
