"""Safetensors files: a header is judged before it is read."""

import resource
import time

import pytest
import safetensors.torch
import torch

from acn_eval.checkpoints.safe import read_safetensors
from acn_eval.errors import CheckpointError


def test_what_was_written_is_read(tmp_path):
    state = {"a": torch.arange(3.0), "b": torch.ones(2, 0, dtype=torch.bfloat16)}
    safetensors.torch.save_file(state, tmp_path / "a.safetensors", {"x": "y"})
    metadata, found = read_safetensors(tmp_path / "a.safetensors")
    assert metadata == {"x": "y"}
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_a_header_of_many_tensors_is_refused_before_it_is_read(tmp_path):
    entry = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = ("{" + ",".join(entry % i for i in range(200_000)) + "}").encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match="4 MiB"):
        read_safetensors(path)
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
