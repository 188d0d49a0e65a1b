"""What is asked of an engine is plain, and says how many threads measure."""

import os
import subprocess
import sys

import pytest
import torch

from acn_eval.engine.choice import EngineChoice
from acn_eval.engine.local import LOCAL
from acn_eval.engine.start import engine_of
from acn_eval.errors import ConfigError

CPU = torch.device("cpu")


def test_workers_have_one_thread_and_this_process_those_of_torch():
    assert EngineChoice().fixed_threads is None
    assert EngineChoice(threads=2).fixed_threads == 2
    assert EngineChoice("processes").fixed_threads == 1
    assert EngineChoice("ray://head:10001", threads=3).fixed_threads == 3


def test_there_are_as_many_workers_as_cores_for_their_threads():
    cores = len(os.sched_getaffinity(0))
    assert EngineChoice("processes").places == cores
    assert EngineChoice("processes", threads=2 * cores).places == 1
    assert EngineChoice("processes", workers=7, threads=2).places == 7


def test_a_choice_imports_no_torch():
    code = "import sys, acn_eval.engine.choice; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_this_process_is_the_default_and_has_no_workers_to_count():
    assert engine_of(EngineChoice(), CPU) is LOCAL
    assert engine_of(EngineChoice(workers=1), CPU) is LOCAL
    with pytest.raises(ConfigError, match=r"^`engine`: must not be local where .*; got 3$"):
        engine_of(EngineChoice(workers=3), CPU)


@pytest.mark.parametrize("name", ["locl", "dask", "ray:/x", "rayx", "processes://2"])
def test_an_unknown_engine_is_named(name):
    with pytest.raises(ConfigError, match=rf"^`engine`: must be local, .*; got {name}$"):
        engine_of(EngineChoice(name), CPU)
