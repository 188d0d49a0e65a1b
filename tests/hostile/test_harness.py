"""The judge of attacks sees what it has to see."""

import mmap
import time

import numpy as np

from acn_eval.errors import ConfigError, MeasureError
from tests.hostile.harness import attack, command


def raises(error):
    def work():
        raise error

    return work


def test_a_fine_end_and_a_refusal_are_no_faults():
    assert attack(lambda: None).faults() == []
    refused = attack(raises(ConfigError("mine.yaml: must be a suite")))
    assert (refused.code, refused.err) == (2, "acn-eval: mine.yaml: must be a suite\n")
    assert refused.faults() == []
    assert attack(raises(MeasureError("no"))).faults([4]) == []


def test_a_command_ends_as_it_does_in_a_shell():
    assert command("--version").out.startswith("acn-eval ")
    assert command("plan", "--suite", "nosuch", "--n", "9").faults() == []


def fifty_mebibytes():
    """Take new pages: what the parent has freed would be used again, and not count."""
    pages = mmap.mmap(-1, 50 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    np.frombuffer(pages, np.uint8)[:] = 1


def test_every_fault_is_seen():
    assert "exit 4, not one of (0, 2)" in attack(raises(MeasureError("no"))).faults()
    assert "a traceback" in attack(raises(ValueError("no"))).faults([4])
    assert "not one line" in command("nosuch").faults()  # usage takes several
    assert attack(lambda: time.sleep(60), limit=0.2).code is None
    large = attack(fifty_mebibytes)
    assert 50 << 20 <= large.bytes < 80 << 20
    assert large.faults(size=1 << 20) == [f"{large.bytes >> 20} MiB"]
    slow = attack(lambda: time.sleep(0.1))
    assert slow.faults(seconds=0.05) == [f"{slow.seconds:.1f} s"]
    assert slow.faults(seconds=60, busy=1) == []
    keen = attack(lambda: sum(range(10**7)))
    assert keen.faults(seconds=60, busy=0.01) == [f"{keen.busy:.1f} s of a processor"]
