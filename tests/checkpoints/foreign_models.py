"""Small networks of timm, torchvision and transformers with random weights, as they save them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import timm
import torch
import torchvision
import transformers
from PIL import Image, ImageFilter

from tests.models.networks import randomised

NAMES = ("zebra", "ant", "lynx", "bee", "yak")  # not in the order of text
SMALL = {"num_hidden_layers": 3, "hidden_size": 32, "intermediate_size": 48}
VIT = {**SMALL, "num_attention_heads": 4, "image_size": 32, "patch_size": 8}
STAGES = {"depths": [1, 2, 1, 1]}


@dataclass(frozen=True)
class Saved:
    """What a library saved: its uri, its network, and its own way from a picture to logits."""

    uri: str
    network: Any
    prepare: Callable[[Image.Image], torch.Tensor]
    classes: tuple[str, ...]

    def logits(self, pictures):
        """Logits (n, classes) by the library alone."""
        with torch.no_grad():
            out = self.network(torch.stack([self.prepare(picture) for picture in pictures]))
        return getattr(out, "logits", out)


def pictures(n=6, seed=0):
    """Smooth noise in odd sizes."""
    generator = np.random.default_rng(seed)
    for _ in range(n):
        height, width = generator.integers(30, 300, 2)
        pixels = generator.integers(0, 256, (height, width, 3), np.uint8)
        yield Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(2))


def shown(checkpoint, given):
    """The pictures as acn-eval prepares them."""
    spec = checkpoint.prepare.spec
    pixels = torch.stack([spec(np.asarray(picture)) for picture in given])
    return checkpoint.prepare(spec.upload(pixels, torch.device("cpu")))


def built(make, std):
    """A network whose logits tell pictures apart, alike every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return randomised(make(), std=std)


def of_timm(folder, name, **kwargs):
    network = built(lambda: timm.create_model(name, num_classes=5, **kwargs), 0.02)
    torch.save(network.state_dict(), folder / "timm.pt")
    config = timm.data.resolve_model_data_config(network)
    transform = timm.data.create_transform(**config)
    return Saved(f"timm:{name}@{folder / 'timm.pt'}", network, transform, tuple("01234"))


def of_torchvision(folder, name, classes=5, tag="", std=0.1):
    network = built(lambda: torchvision.models.get_model(name, num_classes=classes), std)
    torch.save(network.state_dict(), folder / "vision.pth")
    weights = torchvision.models.get_model_weights(name)
    weights = weights[tag] if tag else weights.DEFAULT
    names = tuple(weights.meta["categories"]) if tag else tuple(str(i) for i in range(classes))
    uri = f"torchvision:{name}{tag and '.'}{tag}@{folder / 'vision.pth'}"
    return Saved(uri, network, weights.transforms(), names)


def of_transformers(folder, kind, processor, **fields):
    """A folder; its processor is transformers' own, on Pillow."""
    labels = {"id2label": dict(enumerate(NAMES)), "label2id": {n: i for i, n in enumerate(NAMES)}}
    made = getattr(transformers, f"{kind}ForImageClassification", None)
    made = made or getattr(transformers, kind)
    network = built(lambda: made(made.config_class(**fields, **labels)), 0.1)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)

    def prepare(picture):
        return processor(picture, return_tensors="pt")["pixel_values"][0]

    return Saved(f"hf:{folder}", network, prepare, NAMES)


def _vit(folder):
    size = {"height": 32, "width": 32}
    return of_transformers(folder, "ViT", transformers.ViTImageProcessorPil(size=size), **VIT)


def _deit(folder):
    sizes = {"size": {"height": 39, "width": 39}, "crop_size": {"height": 32, "width": 32}}
    processor = transformers.DeiTImageProcessorPil(**sizes)
    return of_transformers(folder, "DeiTForImageClassificationWithTeacher", processor, **VIT)


def _convnext(folder):
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 43}, crop_pct=0.8)
    return of_transformers(folder, "ConvNext", processor, hidden_sizes=[8, 12, 16, 20], **STAGES)


def _squashed(folder):
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 384}, resample=2)
    return of_transformers(folder, "ConvNext", processor, hidden_sizes=[4, 4, 4, 4], **STAGES)


def _resnet(folder):
    processor = transformers.ConvNextImageProcessorPil(size={"shortest_edge": 57}, resample=2)
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 12, 16, 20], "layer_type": "basic"}
    return of_transformers(folder, "ResNet", processor, **sizes, **STAGES)


def _swin(folder):
    size = {"height": 32, "width": 32}
    mean = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    processor = transformers.ViTImageProcessorPil(size=size, resample=3, **mean)
    sizes = {"image_size": 32, "patch_size": 2, "embed_dim": 8, "window_size": 2}
    return of_transformers(folder, "Swin", processor, **sizes, num_heads=[2] * 4, **STAGES)


SAVED = {
    "timm test_vit": lambda folder: of_timm(folder, "test_vit"),
    "timm test_convnext": lambda folder: of_timm(folder, "test_convnext"),
    "timm test_resnet": lambda folder: of_timm(folder, "test_resnet"),
    "torchvision shufflenet": lambda folder: of_torchvision(folder, "shufflenet_v2_x0_5", std=0.3),
    "torchvision squeezenet": lambda folder: of_torchvision(folder, "squeezenet1_1"),
    "torchvision regnet with names": lambda folder: of_torchvision(
        folder, "regnet_y_400mf", 1000, "IMAGENET1K_V2"
    ),
    "hf vit": _vit,
    "hf deit": _deit,
    "hf convnext": _convnext,
    "hf convnext squashed": _squashed,
    "hf resnet": _resnet,
    "hf swin": _swin,
}
