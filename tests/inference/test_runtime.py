"""Names of devices, and runtimes in other processes."""

import pickle
from dataclasses import replace

import pytest
import torch

from acn_eval.engine import environment
from acn_eval.engine.settings import having
from acn_eval.errors import ConfigError
from acn_eval.inference import resolve_device


def test_cpu_is_always_there():
    assert resolve_device("cpu") == torch.device("cpu")


def test_auto_is_one_that_is_there():
    assert resolve_device("auto").type in {"cpu", "cuda", "mps"}


@pytest.mark.parametrize("name", ["gpu", "", "cpu:x", "cuda:99", "cuda:", "meta", "cpu,cuda"])
def test_anything_else_is_refused_in_one_line(name):
    with pytest.raises(ConfigError, match="`device`: must be auto or one that is here"):
        resolve_device(name)


def test_another_process_keeps_what_it_makes(runtime):
    there = pickle.loads(pickle.dumps(runtime))
    there.store.write("0" * 32, b"made there")
    assert there == replace(runtime, settings=())
    assert runtime.store.read("0" * 32) == b"made there"


def test_one_of_another_environment_keeps_nothing(runtime, monkeypatch):
    """An address names the environment of the process that measures."""
    runtime.store.write("0" * 32, b"made here")
    sent = pickle.dumps(runtime)
    monkeypatch.setattr(environment, "hardware", lambda device: "another")
    there = pickle.loads(sent)
    there.store.write("1" * 32, b"made there")
    there.store.drop("0" * 32)
    assert there.store.read("0" * 32) == b"made here"
    assert runtime.store.read("1" * 32) is None
    assert not pickle.loads(pickle.dumps(there.store)).writable


def test_another_process_has_the_settings_of_torch(runtime):
    """A network's file may have changed them, and outcomes have the address of both."""
    plain = runtime.profile()
    with having((("mkldnn.enabled", False),)):
        sent, changed = pickle.dumps(runtime), runtime.profile()
    there = pickle.loads(pickle.dumps(pickle.loads(sent)))
    assert there.profile() == changed != plain
    assert changed.facts() == {**plain.facts(), "settings": "mkldnn.enabled False"}
    with there.own_settings():
        assert not torch.backends.mkldnn.enabled
    assert torch.backends.mkldnn.enabled
