"""Residual ViT against timm's, with timm's weights."""

import pytest
import torch

from acn_eval.models import ViTConfig, build
from tests.models.networks import randomised

timm = pytest.importorskip("timm")
VisionTransformer = pytest.importorskip("timm.models.vision_transformer").VisionTransformer

SMALL = {"img_size": 16, "patch_size": 4, "in_chans": 1, "num_classes": 7, "embed_dim": 24}


def renamed(state):
    """Keys of timm to keys of ours."""
    names = {"patch_embed.": "embed.", "cls_token": "embed.cls_token", "fc_norm.": "norm."}
    names["pos_embed"] = "embed.pos_embed"
    out = {}
    for key, value in state.items():
        old = next((old for old in names if key.startswith(old)), "")
        out[names.get(old, "") + key[len(old) :]] = value
    return out


def twin(theirs):
    """Our residual ViT of the same sizes and weights."""
    height, width = theirs.patch_embed.img_size
    assert height == width
    config = ViTConfig(
        depth=len(theirs.blocks),
        width=theirs.embed_dim,
        heads=theirs.blocks[0].attn.num_heads,
        hidden=theirs.blocks[0].mlp.fc1.out_features,
        image_size=height,
        patch=theirs.patch_embed.patch_size[0],
        channels=theirs.patch_embed.proj.in_channels,
        classes=theirs.num_classes,
        pool="cls" if theirs.global_pool == "token" else "mean",
    )
    ours = build(config).eval()
    ours.load_state_dict(renamed(theirs.state_dict()))
    return ours


CASES = {
    "small, token": lambda: VisionTransformer(
        **SMALL, depth=3, num_heads=3, mlp_ratio=2, global_pool="token"
    ),
    "small, average": lambda: VisionTransformer(
        **SMALL, depth=2, num_heads=4, mlp_ratio=4, global_pool="avg", class_token=False
    ),
    "vit_tiny_patch16_224 at 64": lambda: timm.create_model(
        "vit_tiny_patch16_224", img_size=64, num_classes=10
    ),
    "vit_small_patch32_224 at 96": lambda: timm.create_model(
        "vit_small_patch32_224", img_size=96, num_classes=3, depth=4
    ),
}


@pytest.mark.parametrize("make", CASES.values(), ids=CASES.keys())
def test_logits_and_exits_are_timms(make):
    theirs = randomised(make(), std=0.05)
    ours = twin(theirs)
    size, channels = ours.config.image_size, ours.config.channels
    images = torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = theirs(images)
        assert wanted.abs().max() > 0.1
        assert (ours(images) - wanted).abs().max() < 1e-4

        exits = ours.exits(images)
        for k in range(len(theirs.blocks)):
            theirs_cut = theirs.forward_head(
                theirs.norm(theirs.blocks[:k](embedded(theirs, images)))
            )
            assert (exits[k] - theirs_cut).abs().max() < 1e-4


def embedded(theirs, images):
    return theirs.norm_pre(theirs._pos_embed(theirs.patch_embed(images)))


def test_a_randomly_chosen_weight_matters():
    """The comparison above can fail: no parameter is ignored."""
    theirs = randomised(CASES["small, token"]())
    ours = twin(theirs)
    images = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = theirs(images)
        for key, parameter in ours.named_parameters():
            kept = parameter.clone()
            parameter.add_(torch.randn(kept.shape, generator=torch.Generator().manual_seed(2)))
            moved = (ours(images) - wanted).abs().max()
            parameter.copy_(kept)
            assert moved > 1e-4, key
        assert (ours(images) - wanted).abs().max() < 1e-4


def test_vit_b_16_has_timms_number_of_parameters():
    with torch.device("meta"):
        theirs = timm.create_model("vit_base_patch16_224")
        ours = build(
            ViTConfig(
                depth=12,
                width=768,
                heads=12,
                hidden=3072,
                patch=16,
                image_size=224,
                channels=3,
                classes=1000,
            )
        )
    count = sum(p.numel() for p in theirs.parameters())
    assert sum(p.numel() for p in ours.parameters()) == count == 86_567_656
    shapes = {key: value.shape for key, value in renamed(theirs.state_dict()).items()}
    assert {key: value.shape for key, value in ours.state_dict().items()} == shapes
