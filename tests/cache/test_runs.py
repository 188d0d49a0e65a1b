"""Whole runs over an object store: two at once, one that is killed, one whose store goes away."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from tests.tiny import environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = str(Path(__file__).parents[2])
MANY_CHUNKS = """
import sys
from acn_eval.cli.main import main
from acn_eval.inference import one_pass
one_pass._chunk_size = lambda *facts: 4
main(sys.argv[1:])
"""
JOB = (
    "robustness",
    "--ckpt",
    "tiny_ac.pt",
    "--suite",
    "small.yaml",
    "--no-track",
    "--device",
    "cpu",
)


@pytest.fixture
def start(folder):
    """Call it with a store and a folder for results; drivers that are left end with the test."""
    started = []

    def driver(store, out):
        given = environment(folder, ACN_EVAL_CACHE=store, PYTHONPATH=ROOT)
        own = subprocess.Popen(
            [sys.executable, "-c", MANY_CHUNKS, *JOB, "--limit", "60", "--out", out],
            cwd=folder,
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(own)
        return own

    yield driver
    for own in started:
        own.kill()
        own.communicate()


def ended(process):
    out, err = process.communicate(timeout=280)
    return process.returncode, out, err


def cells(folder, out):
    """Bytes of the measurements, by the names of their files."""
    found = {path.name: path.read_bytes() for path in (folder / out).rglob("cells-*.parquet")}
    assert len(found) == 2
    return found


@pytest.fixture
def address(bucket):
    return f"s3://{bucket[0]}/kept"


@pytest.fixture
def expected(folder, start):
    assert ended(start("cache", "alone"))[0] == 0
    return cells(folder, "alone")


def kept(address):
    system = fsspec.filesystem("s3", use_listings_cache=False)
    return set(system.glob(f"{address}/*/*.outcomes"))


def wait_for(count, address, process):
    while len(kept(address)) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def test_two_drivers_at_once_find_the_same(folder, start, expected, address):
    drivers = [start(address, out) for out in ("first", "second")]
    assert [ended(driver)[0] for driver in drivers] == [0, 0]
    assert [cells(folder, out) for out in ("first", "second")] == [expected] * 2
    before = kept(address)
    assert ended(start(address, "third"))[0] == 0
    assert (cells(folder, "third"), kept(address)) == (expected, before)


def test_a_killed_driver_has_a_successor(folder, start, expected, address):
    driver = start(address, "killed")
    wait_for(20, address, driver)
    os.kill(driver.pid, signal.SIGKILL)
    ended(driver)
    before = kept(address)
    assert ended(start(address, "next"))[0] == 0
    assert cells(folder, "next") == expected
    assert before < kept(address)


def test_a_store_that_goes_away_keeps_what_it_has(folder, start, expected, s3, elsewhere):
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    elsewhere(f"http://127.0.0.1:{port}")
    name = f"b{uuid4().hex}"
    fsspec.filesystem("s3").mkdir(name)
    address = f"s3://{name}/kept"
    driver = start(address, "cut")
    wait_for(20, address, driver)
    server.stop()
    code, out, err = ended(driver)
    assert (code, out) == (4, "")
    assert err.splitlines()[-1].startswith(f"acn-eval: {address}: outcomes must be kept there; ")
    assert "evaluations under way are kept, and all that was finished before" in err
    server = ThreadedMotoServer("127.0.0.1", port=port, verbose=False)
    server.start()
    before = kept(address)
    assert len(before) >= 20
    assert ended(start(address, "again"))[0] == 0
    assert cells(folder, "again") == expected
    assert before < kept(address)
    server.stop()
