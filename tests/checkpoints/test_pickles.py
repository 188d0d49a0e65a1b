"""Pickled checkpoints: what trainers leave is inert; nothing hostile runs or swells."""

import os
import zipfile
from pathlib import Path

import pytest
import torch

from acn_eval.checkpoints.pickles import read_pickle
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
