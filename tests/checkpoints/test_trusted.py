"""What runs code: only where it was asked to."""

import os

import pytest
import torch

from acn_eval.checkpoints.trusted import run_trusted
from acn_eval.errors import CheckpointError
from tests.checkpoints.library_files import network
from tests.hostile.checkpoints import Runs


def test_it_does_run_what_is_in_a_file(tmp_path):
    """What its name says; every other reader is tested to leave no such mark."""
    torch.save(Runs(os.makedirs, str(tmp_path / "marker")), tmp_path / "a.pt")
    run_trusted(tmp_path / "a.pt")
    assert (tmp_path / "marker").exists()


def test_an_export_is_a_network(tmp_path):
    image = torch.ones(1, 3, 24, 24)
    torch.export.save(torch.export.export(network(), (image,)), tmp_path / "a.pt2")
    found = run_trusted(tmp_path / "a.pt2")
    torch.testing.assert_close(found(image), network()(image))


@pytest.mark.parametrize("name", ["a.pt", "a.pt2", "nothing.pt"])
def test_what_is_none_is_one_line(tmp_path, name):
    (tmp_path / "a.pt").write_bytes(b"\x80\x02garbage")
    (tmp_path / "a.pt2").write_bytes(b"PK garbage")
    with pytest.raises(CheckpointError, match="must be a network of torch"):
        run_trusted(tmp_path / name)


def test_code_that_is_not_there_is_named(tmp_path):
    program = b"\x80\x02cno_such_module\nNet\n)R."
    (tmp_path / "a.pt").write_bytes(program)
    torch.save(network(), tmp_path / "b.pt")
    content = (tmp_path / "b.pt").read_bytes()
    other = content.replace(b"timm.models.vision_transformer", b"timm.models.vision_transformex")
    (tmp_path / "b.pt").write_bytes(other)
    with pytest.raises(CheckpointError, match=r"its code must be importable.*PYTHONPATH"):
        run_trusted(tmp_path / "b.pt")
