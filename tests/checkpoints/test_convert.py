"""From what its owner trusts to what anyone can load."""

import pytest
import timm
import torch
import yaml
from torch import nn

from acn_eval.checkpoints import load
from acn_eval.checkpoints.convert import convert
from acn_eval.errors import CheckpointError, ConfigError
from acn_eval.models import build
from acn_eval.models.vit import ViTConfig
from tests.checkpoints.library_files import ARGUMENTS, NAME, network
from tests.stores.shelves import logged_model
from tests.tiny import ARCH

NAMED = {"model": f"timm:{NAME}", "arguments": ARGUMENTS}
METADATA = {"metadata": {"acn_eval": {"mean": [0.3, 0.4, 0.5], "std": [0.2] * 3}}}
IMAGES = torch.rand(4, 3, 24, 24, generator=torch.Generator().manual_seed(1))


def answers(checkpoint):
    with torch.no_grad():
        return checkpoint.model(IMAGES)


def wanted():
    with torch.no_grad():
        return network()(IMAGES)


SAVED = {
    "a network": lambda net: net,
    "a network beside others": lambda net: {"model": net, "epoch": 3},
    "a network of several devices": nn.DataParallel,
    "a state": lambda net: net.state_dict(),
    "a state of several devices": lambda net: nn.DataParallel(net).state_dict(),
    "a state beside others": lambda net: {"state_dict": net.state_dict(), "lr": 1.0},
}


@pytest.mark.parametrize("kind", SAVED)
def test_what_torch_saved(tmp_path, kind):
    torch.save(SAVED[kind](network()), tmp_path / "a.pth")
    stated = NAMED if "state" in kind else {}
    made = convert(str(tmp_path / "a.pth"), tmp_path / "b" / "a.safetensors", stated, trust=True)
    torch.testing.assert_close(answers(made), wanted(), rtol=0, atol=1e-6)
    assert {p.name for p in (tmp_path / "b").iterdir()} == {"a.safetensors", "a.card.yaml"}
    assert torch.equal(answers(load(str(tmp_path / "b" / "a.safetensors"))), answers(made))


def test_a_state_needs_no_trust(tmp_path):
    torch.save(network().state_dict(), tmp_path / "a.pth")
    fields = {**NAMED, "classes": list("vwxyz"), "mean": [0.4] * 3, "std": [0.2] * 3}
    made = convert(str(tmp_path / "a.pth"), tmp_path / "a.safetensors", fields)
    torch.testing.assert_close(answers(made), wanted(), rtol=0, atol=1e-6)
    assert made.classes == tuple("vwxyz")
    assert made.prepare.mean == (0.4,) * 3
    said = yaml.safe_load((tmp_path / "a.card.yaml").read_text())
    assert said["size"] == 24
    assert said["origin"] == str(tmp_path / "a.pth")


def test_a_network_of_ours_is_one_file(tmp_path):
    ours = build(ViTConfig(**{k: v for k, v in ARCH.items() if k != "kind"})).eval()
    torch.save(ours, tmp_path / "a.pt")
    fields = {"mean": [0.5], "std": [0.25]}
    made = convert(str(tmp_path / "a.pt"), tmp_path / "b.safetensors", fields, trust=True)
    images = IMAGES[:, :1, :8, :8]
    with torch.no_grad():
        assert torch.equal(made.model(images), ours(images))
        assert len(made.model.exits(images)) == 3
    assert not (tmp_path / "b.card.yaml").exists()


@pytest.mark.filterwarnings("ignore")  # those of MLflow itself
@pytest.mark.parametrize("format", ["pickle", "pt2"])
def test_a_version_that_mlflow_logged(tmp_path, monkeypatch, format):
    monkeypatch.chdir(tmp_path)
    store = f"sqlite:///{tmp_path / 'mlflow.db'}"
    logged_model(store, network(), format, IMAGES[:1].numpy(), **METADATA)
    with pytest.raises(CheckpointError, match=r"data/model.pt.*which may run code.*convert"):
        load("models:/vit/1", tracking_uri=store)
    out, options = tmp_path / "out.safetensors", {"tracking_uri": store}
    with pytest.raises(CheckpointError, match=r"models:/vit/1: must hold tensors alone"):
        convert("models:/vit/1", out, NAMED, **options)
    assert not out.exists()
    made = convert("models:/vit/1", out, NAMED if format == "pt2" else {}, trust=True, **options)
    torch.testing.assert_close(answers(made), wanted(), rtol=0, atol=1e-5)
    assert made.prepare.mean == (0.3, 0.4, 0.5)


def test_a_copy_that_would_answer_otherwise_is_not_written(tmp_path):
    torch.save(network(), tmp_path / "a.pt")
    heads = {**NAMED, "arguments": {**ARGUMENTS, "num_heads": 4}}
    out = tmp_path / "b" / "a.safetensors"
    with pytest.raises(CheckpointError, match=rf"/a.pt: must answer like {NAME}; logits"):
        convert(str(tmp_path / "a.pt"), out, heads, trust=True)
    assert [*out.parent.iterdir()] == []


def test_an_export_reads_images_of_its_own_size(tmp_path):
    network = timm.create_model("test_resnet", num_classes=3).eval()
    image = torch.ones(1, 3, 40, 40)
    torch.export.save(torch.export.export(network, (image,)), tmp_path / "a.pt2")
    job = str(tmp_path / "a.pt2"), tmp_path / "b" / "a.safetensors"
    with pytest.raises(CheckpointError, match=r"a.pt2: must read images \(3, 160, 160\).*`size`"):
        convert(*job, {"model": "timm:test_resnet"}, trust=True)
    made = convert(*job, {"model": "timm:test_resnet", "size": 40}, trust=True)
    assert made.prepare.spec.size == 40
    with torch.no_grad():
        torch.testing.assert_close(made.model(image), network(image))


def test_weights_of_another_network_are_not_written(tmp_path):
    torch.save(network().state_dict(), tmp_path / "a.pth")
    out = tmp_path / "b" / "a.safetensors"
    with pytest.raises(CheckpointError, match=rf"{tmp_path}/a.pth: must hold the weights of"):
        convert(str(tmp_path / "a.pth"), out, {"model": "timm:test_vit"})
    assert [*out.parent.iterdir()] == []


def test_a_file_is_not_replaced_by_itself(tmp_path):
    out = tmp_path / "a.safetensors"
    out.write_bytes(b"")
    for place in (out, tmp_path / "b.pt"):
        with pytest.raises(ConfigError, match="must be another file than the source"):
            convert(str(out), place, NAMED)
    with pytest.raises(CheckpointError, match="there is none"):
        convert(str(tmp_path / "none.pth"), out, NAMED)


@pytest.mark.parametrize("said", [[1], "x", {"acn_eval": [1]}])
def test_metadata_that_names_nothing_is_refused(tmp_path, said):
    (tmp_path / "vit/data").mkdir(parents=True)
    torch.save(network(), tmp_path / "vit/data/model.pth")
    (tmp_path / "vit/data/pickle_module_info.txt").write_text("mlflow.pytorch.pickle_module")
    flavours = {"pytorch": {"model_data": "data", "pytorch_version": str(torch.__version__)}}
    described = {"flavors": flavours, "metadata": said}
    (tmp_path / "vit/MLmodel").write_text(yaml.safe_dump(described))
    with pytest.raises(CheckpointError, match="its metadata must be names with values"):
        convert(str(tmp_path / "vit"), tmp_path / "a.safetensors", NAMED, trust=True)
