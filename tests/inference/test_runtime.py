"""Names of devices."""

import pytest
import torch

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
