"""Batches arrive in their order and with their bits, also where a device is busy meanwhile."""

import numpy as np
import pytest
import torch

from acn_eval.data import Geometry
from acn_eval.inference.upload import uploaded

CPU = torch.device("cpu")
on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU (CUDA)")


def content(n, size=8):
    return torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (n, 3, size, size), np.uint8)
    )


@pytest.mark.parametrize(("n", "size"), [(7, 3), (6, 3), (1, 5)])
def test_all_examples_come_in_order(device, n, size):
    shown, spec = content(n), Geometry(8, 3)
    parts = [*uploaded(spec, shown, size, device)]
    assert [len(part) for part in parts] == [min(size, n - k) for k in range(0, n, size)]
    assert torch.equal(torch.cat(parts).cpu(), spec.upload(shown, device).cpu())
    assert {part.device.type for part in parts} == {device.type}


def test_what_is_not_asked_for_is_not_uploaded():
    batches = uploaded(Geometry(8, 3), content(9), 3, CPU)
    assert len(next(batches)) == 3
    batches.close()
    assert list(batches) == []


@on_a_gpu
def test_a_busy_device_reads_what_was_uploaded_for_it():
    """Every batch waits behind long products, while the next ones are uploaded and freed."""
    device, spec, shown = torch.device("cuda"), Geometry(64, 3), content(512, 64)
    busy = torch.randn(4096, 4096, device=device)
    sums = []
    for batch in uploaded(spec, shown, 32, device):
        for _ in range(5):
            busy = (busy @ busy).clamp_(-1, 1)
        sums.append(batch.double().sum())
        del batch
    plain = [spec.upload(part, device).double().sum() for part in shown.split(32)]
    assert torch.equal(torch.stack(sums), torch.stack(plain))


@on_a_gpu
def test_an_error_of_an_upload_is_raised_where_the_batch_is_asked_for():
    with pytest.raises(AttributeError):
        list(uploaded(Geometry(8, 3), [None] * 4, 2, torch.device("cuda")))
