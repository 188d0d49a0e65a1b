"""Everything that is kept may be written by several processes at once, and read meanwhile."""

import multiprocessing
import os
from dataclasses import replace

import pytest

from acn_eval.atomic import is_part
from acn_eval.charts.canvas import Drawing, Panel, save
from acn_eval.checkpoints.native import read_native, write_native
from acn_eval.results import EvalResult
from acn_eval.statistics.comparison import load_comparison, save_comparison
from acn_eval.studies.compare import compare
from tests.fakes import fake_result

FORK = multiprocessing.get_context("fork")


def _result(folder, tiny):
    EvalResult.load(fake_result().save(folder))


def _comparison(folder, tiny):
    comparison = compare([fake_result()], [fake_result("res_vit")])
    own = replace(comparison, warnings=(str(os.getpid()),))  # the same text is left as it is
    load_comparison(save_comparison(own, folder))


def _checkpoint(folder, tiny):
    write_native(folder / "copy.pt", read_native(tiny / "tiny_ac.pt"))
    read_native(folder / "copy.pt")


def _figure(folder, tiny):
    save(Drawing("accuracy", "", (Panel("", lambda axes: None, "", (1, 1)),)), folder)
    assert (folder / "accuracy.png").read_bytes().endswith(b"IEND\xaeB`\x82")
    assert (folder / "accuracy.svg").read_text().endswith("</svg>\n")


def _rounds(write, folder, tiny, start):
    start.wait()
    for _ in range(6):
        write(folder, tiny)


@pytest.mark.parametrize("write", [_result, _comparison, _checkpoint, _figure])
def test_processes_that_write_the_same_do_not_trip_each_other(write, tmp_path, tiny):
    write(tmp_path, tiny)  # what is imported late
    start = FORK.Event()
    arguments = (write, tmp_path, tiny, start)
    writers = [FORK.Process(target=_rounds, args=arguments) for _ in range(3)]
    for writer in writers:
        writer.start()
    start.set()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert not list(filter(is_part, tmp_path.rglob("*")))
