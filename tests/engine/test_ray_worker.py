"""What a worker answers, without a cluster."""

import os

import pytest
import torch

from acn_eval.engine.environment import Environment
from acn_eval.engine.parcel import Packer, Unpacker
from acn_eval.engine.ray_messages import Failed, Found, Job, Shown
from acn_eval.errors import MissingExtra
from tests.engine.tasks import Failing, Missing, Opening, Upper

pytest.importorskip("ray")
CPU = torch.device("cpu")


class Showing:
    def __call__(self, show):
        show(1)
        show(2)
        show(3, 1)
        yield "item"


class Here:
    def __call__(self, show):
        yield os.getcwd()


def said(task, *rules):
    from acn_eval.engine.ray_worker import answers

    content = Packer(lambda *part: None).pack(Job(task, rules, os.getcwd())).content
    read = Unpacker(lambda name: b"").unpack
    first, *more = map(read, answers(content, {}, "cpu"))
    assert first == Environment.here(CPU)
    return more


def test_work_is_shown_now_and_then_and_where_more_of_it_is_kept():
    assert said(Showing()) == [Shown(1, 0), Shown(3, 1), Found("item")]


def test_an_error_is_the_last_answer():
    found, failed = said(Failing(KeyError("nothing")))
    assert found == Found(1)
    assert isinstance(failed, Failed)
    assert "raise self.error" in failed.error.__notes__[0]
    (failed,) = said(Missing())
    assert isinstance(failed.error, MissingExtra)


def test_rules_hold_for_one_task():
    assert said(Opening("x"), Upper()) == [Found("X")]
    assert said(Opening("x")) == [Found("x")]


def test_a_task_runs_in_the_folder_of_its_driver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert said(Here()) == [Found(str(tmp_path))]
