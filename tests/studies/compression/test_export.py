"""What is exported: a cut network that loads and answers as the exit."""

import numpy as np
import pytest
import torch

from acn_eval.checkpoints import load
from acn_eval.studies.compression.depth import cut_of
from tests.studies.compression.plans import ALONE, JOB, line_of, results

pytestmark = pytest.mark.usefixtures("suite")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_what_is_exported_is_the_proven_cut_and_answers_as_the_exit(folder, call, suffix):
    out_file = f"cut{suffix}"
    code, out, err = call(*ALONE, "--tolerance", "0.7", "--export", out_file)
    assert (code, err) == (0, "")
    cut = cut_of(results(folder)["tiny_ac"])
    assert cut.high < 2  # or there was nothing to cut
    size = (folder / out_file).stat().st_size / 1e6
    line = line_of(out, out_file)
    assert line == f"{out_file}: tiny_ac cut at exit {cut.high}, the proven cut; {size:.2f} MB"
    whole, exported = load("tiny_ac.pt"), load(out_file)
    images = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(exported.model(images), whole.model.exits(images)[cut.high])
    code, out, err = call(
        "robustness", "--suite", "small.yaml", "--ckpt", out_file, "--no-track", "--limit", 20
    )
    assert (code, err) == (0, "")
    assert "There is no baseline, because the card names none" in out


def test_where_nothing_is_proven_superfluous_the_whole_network_is_written(folder, call):
    code, out, _ = call(*ALONE, "--limit", "40", "--export", "cut.pt")
    assert code == 0
    said = " ".join(out.split())
    assert "cut at exit 2, the whole network: no block is proven superfluous" in said
    assert "40 images are too few to prove a cut at 2 points: 189 suffice if exits agree" in said


def test_any_exit_can_be_asked_for(folder, call):
    code, out, _ = call(*ALONE, "--export", "zero.pt", "--at", "0", "--limit", "30")
    assert code == 0
    assert "cut at exit 0, as requested" in line_of(out, "zero.pt")
    assert load("zero.pt").id.arch["depth"] == 0


def test_a_network_without_exits_cannot_be_exported_but_can_be_measured(folder, call, refused):
    timm = pytest.importorskip("timm")
    model = timm.create_model("test_resnet", num_classes=10)
    torch.save(model.state_dict(), folder / "weights.pt")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "own.npz", images=images, labels=np.arange(12) % 10)
    job = (*JOB, "--ckpt", "timm:test_resnet@weights.pt", "--data", "npz:own.npz")
    assert "must be a file of acn-eval for a cut network" in refused(2, *job, "--export", "cut.pt")
    code, out, err = call(*job)
    assert (code, err) == (0, "")
    assert "test_resnet has no exits" in out
    assert "exit last" in out
    assert "needs" not in out
