"""The digest of tensors: equal where all is equal, and nowhere else."""

import pytest
import torch

from acn_eval.checkpoints.digest import digest

BASE = {"a": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "b": torch.tensor(5, dtype=torch.int64)}


def test_order_and_memory_do_not_matter():
    assert digest(BASE) == digest(dict(reversed(BASE.items())))
    strided = {**BASE, "a": BASE["a"].T.contiguous().T}
    assert not strided["a"].is_contiguous()
    assert digest(BASE) == digest(strided)


@pytest.mark.parametrize(
    "other",
    [
        {**BASE, "a": BASE["a"] + 1e-6},
        {**BASE, "b": BASE["b"] + 1},
        {**BASE, "a": BASE["a"].reshape(4)},
        {**BASE, "a": BASE["a"].view(torch.int32)},
        {"a": BASE["a"], "c": BASE["b"]},
        {"a": BASE["a"]},
        {},
    ],
    ids=["value", "integer", "shape", "type", "name", "one less", "none"],
)
def test_everything_else_does(other):
    assert digest(other) != digest(BASE)
    assert digest(BASE, "words") != digest(BASE)


@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.float16, torch.bfloat16, torch.float64]
)
def test_every_type_has_one(dtype):
    ones = {"a": torch.ones(3, dtype=dtype), "none": torch.empty(0, dtype=dtype)}
    assert digest(ones) != digest({**ones, "a": torch.zeros(3, dtype=dtype)})
