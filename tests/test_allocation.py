"""Freed memory is kept up to a bound, by a process that asks for it and has not been tuned."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MIB = 2**20
GLIBC = "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {})
needs_glibc = pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
FAULTS = """
import resource
for _ in range(8):
    bytearray(64 * 2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""
KEPT = """
from pathlib import Path
import os, sys
from acn_eval import allocation
allocation.KEPT = 64 * 2**20
allocation.keep_freed_memory()
for size in map(int, sys.argv[1:]):
    bytearray(size * 2**20)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    print(pages * os.sysconf("SC_PAGE_SIZE"))
"""
ASK = "from acn_eval.allocation import keep_freed_memory; print(keep_freed_memory())\n"


def output(code, *arguments, **environment):
    """Run code in a process whose malloc nobody has tuned."""
    clean = {"PYTHONPATH": str(Path(__file__).parents[1]), **environment}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True)
    return done.stdout.split()


@needs_glibc
def test_what_is_freed_is_used_again_without_new_pages():
    (plain,), (asked, kept) = output(FAULTS), output(ASK + FAULTS)
    assert asked == "True"
    assert int(kept) < int(plain) / 3


@needs_glibc
def test_freed_memory_above_the_bound_goes_back():
    empty, below, above = map(int, output(KEPT, 1, 48, 256))
    assert below - empty > 40 * MIB
    assert above - empty < 64 * MIB


@needs_glibc
def test_a_command_asks_for_it_and_a_library_does_not():
    """Inside another program, `main` gets its arguments, and the malloc is that program's."""
    code = """
import sys
from acn_eval.cli import main
import acn_eval.workflow
main.keep_freed_memory = lambda: print("asked")
sys.argv = ["acn-eval", "--version"]
try:
    main.main({})
except SystemExit:
    pass
"""
    assert output(code.format("")) == ["asked", *output(code.format(["--version"]))]


@pytest.mark.parametrize(
    "environment",
    [
        {"MALLOC_ARENA_MAX": "2"},
        {"MALLOC_TRIM_THRESHOLD_": "131072"},
        {"GLIBC_TUNABLES": "glibc.malloc.mxfast=0"},
    ],
)
def test_a_choice_of_the_user_stands(environment):
    assert output(ASK, **environment) == ["False"]


@needs_glibc
def test_tunables_of_something_else_are_no_choice():
    assert output(ASK, GLIBC_TUNABLES="glibc.pthread.rseq=1") == ["True"]


def test_another_c_library_is_left_alone(monkeypatch):
    from acn_eval import allocation

    monkeypatch.setattr(os, "confstr_names", {}, raising=False)
    monkeypatch.setattr(allocation.ctypes, "CDLL", None)  # calling it would be an error
    assert allocation.keep_freed_memory() is False
