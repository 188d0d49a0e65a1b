"""Weights of tiny networks of libraries, with the cards beside them."""

import safetensors.torch
import timm
import torch
import yaml

ARGUMENTS = {"img_size": 24, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}
NAME = "vit_tiny_patch16_224"


def network(classes=5, seed=0):
    """A ViT of timm, whose weights are drawn with a seed."""
    made = timm.create_model(NAME, num_classes=classes, **ARGUMENTS).eval()
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in made.parameters():
            value.normal_(std=0.2, generator=draw)
    return made


def card(**changes):
    """The fields of its card."""
    return {"model": f"timm:{NAME}", "arguments": ARGUMENTS, **changes}


def with_card(path, state=None, **changes):
    """The path of weights, with a card beside them."""
    state = network().state_dict() if state is None else state
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(state, path)
    else:
        torch.save(state, path)
    path.with_suffix(".card.yaml").write_text(yaml.safe_dump(card(**changes)))
    return path
