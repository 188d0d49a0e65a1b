"""Sizes that no weight pays for are refused before a forward pass takes time and memory."""

import resource

import pytest
import timm
import torch
import transformers
from torch import nn

from acn_eval.checkpoints.affordable import require_affordable
from acn_eval.data import Geometry, PrepareImages
from acn_eval.errors import CheckpointError
from tests.checkpoints.files import refusal
from tests.checkpoints.foreign_models import of_transformers
from tests.checkpoints.library_files import with_card

MOST = "must take at most 9 TFLOPs and 2 GiB for one example, by its sizes"


def shown(size):
    return PrepareImages(Geometry(size, 3), (0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (nn.Conv2d(3, 64, 1), 4096),  # memory
        (nn.Conv2d(3, 16, 255, padding=127), 2048),  # operations
    ],
)
def test_either_is_refused_and_the_network_stays_as_it_is(layer, size):
    state = {key: value.clone() for key, value in layer.state_dict().items()}
    with pytest.raises(CheckpointError, match=f"a.pt: {MOST}"):
        require_affordable(layer, shown(size), "a.pt")
    require_affordable(layer, shown(256), "a.pt")
    assert all(torch.equal(value, state[key]) for key, value in layer.state_dict().items())
    assert layer.weight.requires_grad


def _convnext(folder):
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 4096})
    sizes = {"hidden_sizes": [64, 8], "depths": [1, 1], "num_stages": 2, "patch_size": 1}
    return of_transformers(folder, "ConvNext", processor, **sizes).uri


def _swin(folder):
    processor = transformers.ViTImageProcessorPil(size={"height": 2048, "width": 2048})
    sizes = {"image_size": 32, "patch_size": 1, "embed_dim": 8, "window_size": 4}
    return of_transformers(folder, "Swin", processor, **sizes, depths=[2], num_heads=[1]).uri


def _vit(folder):
    processor = transformers.ViTImageProcessorPil(size={"height": 1024, "width": 1024})
    sizes = {"hidden_size": 4, "num_attention_heads": 1, "intermediate_size": 4}
    sizes |= {"image_size": 1024, "patch_size": 4, "num_hidden_layers": 2}
    return of_transformers(folder, "ViT", processor, **sizes).uri


def _timm_vit(folder):
    sizes = {"embed_dim": 12, "depth": 2, "num_heads": 3, "img_size": 1024, "patch_size": 4}
    network = timm.create_model("vit_tiny_patch16_224", num_classes=3, **sizes)
    return str(with_card(folder / "a.safetensors", network.state_dict(), arguments=sizes))


def _timm_swin(folder):
    name, sizes = "swin_tiny_patch4_window7_224", {"embed_dim": 24, "patch_size": 1}
    network = timm.create_model(name, num_classes=3, img_size=64, **sizes)
    card = {"model": f"timm:{name}", "arguments": {**sizes, "img_size": 4096}}
    return str(with_card(folder / "a.safetensors", network.state_dict(), **card))


LARGE = {
    "hf convnext": (_convnext, MOST),
    "hf swin": (_swin, MOST),
    "hf vit": (_vit, MOST),
    "timm vit": (_timm_vit, MOST),
    "timm swin": (_timm_swin, "its tables are too large"),
}


@pytest.mark.parametrize(("made", "said"), LARGE.values(), ids=LARGE)
def test_a_small_file_of_a_large_network_takes_no_memory(tmp_path, made, said):
    uri = made(tmp_path)
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert said in refusal(uri)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start < 200 * 1024
