"""Weight files: what trainers leave is inert; nothing hostile runs or takes memory."""

import os
import resource
import time
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch

from acn_eval.checkpoints.weight_files import read_pickle, read_safetensors
from acn_eval.errors import CheckpointError
from tests.checkpoints.programs import archive, program, refused, weight

MIB = 2**20


def test_members_that_are_compressed_or_damaged(tmp_path):
    good = program(weight((4,), (1,)))
    assert "compressed" in refused(archive(tmp_path / "a.pt", good, compression=8))
    assert "size" in refused(archive(tmp_path / "b.pt", good, storages=[b"\0" * 12]))
    assert "truncated or damaged" in refused(archive(tmp_path / "c.pt", good, storages=[]))
    assert "2 MiB" in refused(archive(tmp_path / "d.pt", good + b"\0" * 5 * MIB))
    path = archive(tmp_path / "e.pt", good, storages=[b"\1" * 16])
    path.write_bytes(path.read_bytes().replace(b"\1" * 16, b"\1" * 15 + b"\3"))
    assert "a/data/0 fails its checksum" in refused(path)
    twice = zipfile.ZipFile(archive(tmp_path / "f.pt", good), "a")
    with twice, pytest.warns(UserWarning, match="Duplicate"):
        twice.writestr("a/data.pkl", good)
    assert "stored once" in refused(tmp_path / "f.pt")


def test_old_files_that_are_no_archives_are_read_and_bounded(tmp_path):
    torch.save({"a": torch.ones(3)}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert torch.equal(read_pickle(tmp_path / "a.pt")["a"], torch.ones(3))
    content = (tmp_path / "a.pt").read_bytes()
    assert content.count(b"cpuq\x06K\x03") == 1
    (tmp_path / "a.pt").write_bytes(content.replace(b"cpuq\x06K\x03", b"cpuq\x06J\0\0\0\x7f"))
    assert "more than it holds" in refused(tmp_path / "a.pt")


def test_what_is_no_regular_file_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    (tmp_path / "folder.pt").mkdir()
    (tmp_path / "huge.pt").touch()
    os.truncate(tmp_path / "huge.pt", 2**41)
    for name in ("pipe.pt", "folder.pt", "huge.pt", "none.pt", "n" * 300):
        assert "must be a" in refused(tmp_path / name)
    assert "must be a" in refused(Path("/dev/zero"))


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


def test_a_list_of_very_many_members_is_not_made(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as many:
        for number in range(20_000):
            many.writestr(f"a/{number}", b"")
    assert "BadZipFile" in refused(tmp_path / "a.pt")
