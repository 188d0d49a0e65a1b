"""`acn-eval convert`, and what is measured afterwards."""

import pytest
import timm
import torch

from tests.checkpoints.library_files import NAME, network

STATED = ("--model", f"timm:{NAME}", "--argument", "img_size=24", "--argument", "patch_size=8")
MORE = ("--argument", "embed_dim=24", "--argument", "depth=2", "--argument", "num_heads=3")


def test_a_state_dict_becomes_a_checkpoint(folder, call):
    torch.save(network(10).state_dict(), "state.pth")
    job = ("convert", "state.pth", "vit.safetensors", *STATED, *MORE)
    code, out, err = call(*job, "--classes", "0,1,2,3,4,5,6,7,8,9", "--data", "digits")
    assert (code, err) == (0, "")
    parameters = sum(p.numel() for p in network(10).parameters())
    assert out == f"vit.safetensors: {parameters:,} parameters, 10 classes\n"
    suite = ("--suite", "small.yaml", "--limit", "30", "--no-track")
    code, out, _ = call("robustness", "--ckpt", "vit.safetensors", *suite)
    assert code == 0
    assert "digits test, n = 30" in out


def test_a_pickle_is_run_only_where_it_is_trusted(folder, call, refused):
    torch.save(timm.create_model("test_vit", num_classes=3), "whole.pt")
    line = refused(2, "convert", "whole.pt", "vit.safetensors")
    assert "If you trust it: acn-eval convert --trust SOURCE OUT.safetensors" in line
    assert call("convert", "--trust", "whole.pt", "vit.safetensors")[0] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--mean", "0.5,x"), "could not convert string to float"),
        (("--argument", "img_size"), "must be NAME=NUMBER"),
        (("--argument", "nosuch=3"), "arguments.nosuch"),
        (("--mean", "0.5,0.5,0.5"), "mean and std must have one number per channel each"),
    ],
)
def test_what_is_stated_wrongly(folder, call, given, said):
    torch.save(network().state_dict(), "state.pth")
    code, out, err = call("convert", "state.pth", "vit.safetensors", *STATED, *given)
    assert (code, out) == (2, "")
    assert said in err
