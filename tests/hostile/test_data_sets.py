"""A hostile data set is measured, or refused in one line with exit 2: soon, and within 2 GB."""

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets  # noqa: F401  (so that no child has to)

from acn_eval.data import Geometry, open_examples
from tests.hostile.data_sets import data_sets
from tests.hostile.harness import attack, command
from tests.tiny import SUITE

MANY = list(data_sets())


def shown(name, folder):
    """What a measurement does with data, without the network."""
    examples = open_examples(name, "test", folder, download=False).keyed(16)
    assert len(examples.hashes) == len(examples.read(np.arange(len(examples)), Geometry(8, 1)))
    assert len(examples.fingerprint) == 16


def faults(folder, tiny, chosen):
    """Faults by name: every data set is read, and every sixth goes through the command too."""
    found = {}
    (folder / "small.yaml").write_text(SUITE)
    options = ("--ckpt", tiny / "tiny_ac.pt", "--no-baseline", "--no-track", "--limit", 4)
    options += ("--device", "cpu", "--suite", folder / "small.yaml", "--out", folder / "out")
    for i, bad in enumerate(chosen):
        own = folder / str(i)
        own.mkdir()
        name, codes = bad.make(own), (0, 2) if bad.fine else (2,)
        ends = [attack(lambda: shown(name, own))]  # noqa: B023
        if i % 6 == 0 and "\0" not in name:  # no argument of a process holds one
            ends.append(command("robustness", *options, "--data", name, "--data-root", own))
        for end in ends:
            if fault := end.faults(codes, busy=5.0):
                found[bad.name] = (fault, end.err)
    assert not [path for path in folder.rglob("it-was-run")]
    assert not Path("it-was-run").exists()
    return found


def test_a_sample(tmp_path, tiny):
    assert faults(tmp_path, tiny, islice(MANY, None, None, 29)) == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_data_set(tmp_path, tiny):
    assert len(MANY) >= 150
    assert faults(tmp_path, tiny, MANY) == {}


def test_the_same_seed_makes_the_same_data_sets(tmp_path):
    names = [bad.name for bad in MANY]
    assert len(set(names)) == len(names)
    first, again = tmp_path / "first", tmp_path / "again"
    for folder in (first, again):
        folder.mkdir()
        flipped = next(bad for bad in data_sets() if "flipped" in bad.name)
        flipped.make(folder)
    assert (first / "set.npz").read_bytes() == (again / "set.npz").read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(tmp_path):
    np.savez(tmp_path / "set.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.zeros(4, int))
    (tmp_path / "set.npz").chmod(0)
    assert attack(lambda: shown(f"npz:{tmp_path / 'set.npz'}", tmp_path)).faults((2,)) == []
