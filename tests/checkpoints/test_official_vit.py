"""The authors' ViT files, against a forward pass written from their description."""

import pytest
import torch
from torch.nn.functional import conv2d, gelu, layer_norm, linear

from acn_eval.checkpoints import export, load
from tests.checkpoints.files import (
    VIT_BASE,
    VIT_SMALL,
    official_file,
    pictures,
    refusal,
    vit_state,
)

VITS = ["official/ac-vit", "official/vit"]
NAMES = {
    "official/ac-vit": ("R1.ln", "R1.fn", "R2.ln", "R2.fn.l1", "R2.fn.l2"),
    "official/vit": ("0.fn.0", "0.fn.1", "1.fn.0", "1.fn.1.0", "1.fn.1.3"),
}
HEADS = [1, 8, 24]


def reference(state, images, heads, arch):
    """Logits of every exit; images are normalized."""

    def layer(x, name):
        return linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def norm(x, name):
        return layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])

    def attention(x, name):
        d = x.shape[-1] // heads
        keys, queries, values = (
            layer(x, f"{name}.{part}") for part in ("keys", "queries", "values")
        )
        each = []
        for h in range(heads):
            own = slice(h * d, (h + 1) * d)
            energy = torch.einsum("bqd,bkd->bqk", queries[..., own], keys[..., own])
            each.append(energy.softmax(-1) * d**-0.5 @ values[..., own])
        return layer(torch.cat(each, -1), f"{name}.projection")

    def long(x, p, names):
        ln1, attn, ln2, l1, l2 = (p + name for name in names)
        h = norm(attention(norm(x, ln1), attn), f"{attn}.ln")
        h = norm(h, ln2)
        a = gelu(layer(h, l1) + h @ state[f"{p}R2.fn.d1.weight"].T)
        return layer(a, l2) + a @ state[f"{p}R2.fn.d2.weight"].T

    def residual(x, p, names):
        ln1, attn, ln2, l1, l2 = (p + name for name in names)
        x = attention(norm(x, ln1), attn) + x
        return layer(gelu(layer(norm(x, ln2), l1)), l2) + x

    patch = state["E.projection.0.weight"].shape[-1]
    patches = conv2d(
        images, state["E.projection.0.weight"], state["E.projection.0.bias"], stride=patch
    )
    tokens = state["E.cls_token"].repeat(len(images), 1, 1)
    x = torch.cat([tokens, patches.flatten(2).transpose(1, 2)], 1) + state["E.positions"]
    block = long if arch == "official/ac-vit" else residual
    depth = len({key.split(".")[2] for key in state if key.startswith("TE.layers.")})
    outputs = [x]
    for i in range(depth):
        outputs.append(block(outputs[-1], f"TE.layers.{i}.", NAMES[arch]))
    exits = torch.stack(outputs).cumsum(0) if block is long else outputs
    return [layer(norm(y.mean(1), "C.1"), "C.2") for y in exits]


def without(*keys, arch="official/ac-vit", **changes):
    state = {k: v for k, v in vit_state(arch).items() if k not in keys}
    return {**state, **{k.replace("__", "."): v for k, v in changes.items()}}


SIZES = [
    VIT_SMALL,
    {**VIT_SMALL, "depth": 1, "width": 16, "hidden": 16, "side": 1, "classes": 1000},
    {**VIT_SMALL, "depth": 5, "width": 48, "hidden": 192, "side": 3, "patch": 2, "classes": 2},
]


@pytest.mark.parametrize("sizes", SIZES, ids=["small", "tight", "deep"])
@pytest.mark.parametrize("arch", VITS)
def test_both_agree_with_the_description_exits_included(tmp_path, arch, sizes):
    state = vit_state(arch, sizes)
    path = str(official_file(tmp_path / "best.pth.tar", state))
    for heads in [h for h in HEADS if sizes["width"] % h == 0]:
        checkpoint = load(path, f"{arch}:heads={heads}")
        images = checkpoint.prepare.normalize(pictures(checkpoint))
        wanted = reference(state, images, heads, arch)
        with torch.no_grad():
            exits = checkpoint.model.exits(images)
            assert torch.equal(checkpoint.model(images), exits[-1])
        assert len(exits) == len(wanted) == sizes["depth"] + 1
        for got, reading in zip(exits, wanted, strict=True):
            torch.testing.assert_close(got, reading, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("arch", VITS)
def test_what_the_file_does_not_say_is_recorded(tmp_path, arch):
    path = str(official_file(tmp_path / "best.pth.tar", vit_state(arch)))
    theirs, four = load(path, arch), load(path, f"{arch}:heads=4")
    assert (theirs.id.arch["heads"], four.id.arch["heads"]) == (8, 4)
    assert theirs.id.sha256 == four.id.sha256
    wiring = {"official/ac-vit": "acn", "official/vit": "residual"}[arch]
    assert theirs.id.arch["connectivity"] == wiring
    images = pictures(theirs)
    with torch.no_grad():
        assert (theirs.model(images) - four.model(images)).abs().max() > 1e-3


def test_they_are_trained_on_imagenet_and_shown_images_as_there(tmp_path):
    checkpoint = load(str(official_file(tmp_path / "a.tar", vit_state())), "official/ac-vit")
    assert checkpoint.data == "imagenet"
    assert checkpoint.classes == tuple("0123456")
    assert not checkpoint.named
    prepare = checkpoint.prepare
    assert prepare.mean == (0.485, 0.456, 0.406)
    assert prepare.std == (0.229, 0.224, 0.225)
    assert prepare.spec.size == 8
    framing = prepare.spec.framing
    assert framing.resized(500, 400, 224) == (320, 256)  # Resize(256), then CenterCrop(224)
    assert (framing.crop_mode, framing.interpolation) == ("center", "bilinear")


def test_a_cut_is_shown_the_same_images(tmp_path):
    whole = load(str(official_file(tmp_path / "a.tar", vit_state())), "official/ac-vit:heads=4")
    export(whole, 2, tmp_path / "cut.pt")
    cut = load(str(tmp_path / "cut.pt"))
    assert cut.prepare == whole.prepare
    assert cut.id.arch == {**whole.id.arch, "depth": 2}
    images = whole.prepare.normalize(pictures(whole))
    with torch.no_grad():
        assert torch.equal(cut.model(images), whole.model.exits(images)[2])


@pytest.mark.parametrize(("arch", "parameters"), zip(VITS, (86_586_088, 86_567_656), strict=True))
def test_their_base_size(tmp_path, arch, parameters):
    """One block of the twelve, which are alike."""
    state = vit_state(arch, {**VIT_BASE, "depth": 1})
    torch.save({"epoch": 1, "state_dict": state}, tmp_path / "best.pth.tar")
    checkpoint = load(str(tmp_path / "best.pth.tar"), arch)
    block = sum(p.numel() for p in checkpoint.model.blocks.parameters())
    assert checkpoint.id.parameters + 11 * block == parameters
    assert checkpoint.id.arch["hidden"] == 3072
    assert (checkpoint.prepare.spec.size, len(checkpoint.classes)) == (224, 1000)


def test_fixed_paths_that_share_a_storage_and_names_of_parallel_training(tmp_path):
    state = vit_state()
    plain = load(str(official_file(tmp_path / "a.tar", state)), VITS[0])
    content = {"state_dict": {f"module.{key}": value for key, value in state.items()}}
    torch.save(content, tmp_path / "b.tar")
    parallel = load(str(tmp_path / "b.tar"), VITS[0])
    images = pictures(plain)
    with torch.no_grad():
        assert torch.equal(plain.model(images), parallel.model(images))


def block(name):
    return f"TE__layers__1__{name}"


WIDE = torch.eye(40, 24)
BROKEN = [
    (without("E.positions"), "E.positions is missing"),
    (without("TE.layers.0.R2.fn.l1.weight"), "TE.layers.0.R2.fn.l1.weight is missing"),
    (without("TE.layers.1.R1.ln.bias"), "blocks.1.norm1.bias"),
    (without("TE.layers.1.R1.fn.ln.bias"), "blocks.1.attn_norm.bias"),
    (without("TE.layers.1.R2.fn.l1.weight"), "blocks.1.mlp.fc1.weight"),
    (without("TE.layers.2.R2.fn.d1.weight"), "d1 of block 2 is not its fixed identity path"),
    (without("TE.layers.0.R2.fn.d2.weight"), "d2 of block 0 is not its fixed identity path"),
    (without(**{block("R2__fn__d1__weight"): 2 * WIDE}), "d1 of block 1 is not"),
    (without(**{block("R2__fn__d1__weight"): WIDE.T}), "d1 of block 1 is not"),
    (without(**{block("R2__fn__d2__weight"): WIDE}), "d2 of block 1 is not"),
    (without(**{block("R2__fn__d2__weight"): torch.zeros(24, 40)}), "d2 of block 1 is not"),
    (without(**{block("R2__fn__d1__weight"): WIDE * torch.nan}), "d1 of block 1 is not"),
    (without(**{block("R2__fn__d1__bias"): torch.zeros(40)}), "blocks.1.mlp.d1.bias"),
    (without(**{block("R3__ln__weight"): torch.ones(24)}), "alone; got 'TE.layers.1.R3"),
    (without(E__dist_token=torch.zeros(1, 1, 24)), "alone; got 'E.dist_token'"),
    (without(TE__extra_norm=torch.ones(24)), "alone; got 'TE.extra_norm'"),
    (without(E__positions=torch.zeros(1, 5, 24)), "image_size: Input should be greater"),
    (without(E__positions=torch.zeros(6, 24)), "embed.pos_embed"),
    (without(E__positions=torch.tensor(0.0)), "E.positions has the shape ()"),
    (without(E__positions=torch.zeros(0, 24)), "image_size"),
    (without(E__cls_token=torch.zeros(1, 24)), "embed.cls_token"),
    (without(C__2__weight=torch.zeros(7, 25)), "head.weight"),
    (without(C__1__bias=torch.full((24,), torch.nan)), "norm.bias holds NaN"),
    (without(C__1__bias=torch.zeros(24, dtype=torch.int64)), "must fit the architecture"),
    (without(C__1__bias=torch.zeros(24, dtype=torch.complex64)), "dense real tensor"),
    (without(C__1__bias="no tensor"), "dense real tensor"),
]


@pytest.mark.parametrize(("state", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_a_damaged_file_is_refused(tmp_path, state, said):
    torch.save({"state_dict": state}, tmp_path / "a.tar")
    assert said in refusal(tmp_path / "a.tar", "official/ac-vit")


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        (
            ":heads=5",
            "5 heads do not divide its width 24. State them behind `arch`, as in :heads=1",
        ),
        (
            ":heads=16",
            "16 heads do not divide its width 24. State them behind `arch`, as in :heads=8",
        ),
        (":heads=48", "as in :heads=24"),
    ],
)
def test_heads_that_cannot_be(tmp_path, heads, said):
    path = official_file(tmp_path / "a.tar", vit_state("official/vit"))
    assert said in refusal(path, f"official/vit{heads}")


@pytest.mark.parametrize(
    "heads", ["0", "04", "-8", "4.0", "", "x", "4:heads=4", "9" * 6, "\uff18"]
)
@pytest.mark.parametrize("arch", VITS)
def test_heads_that_are_no_number(tmp_path, arch, heads):
    path = official_file(tmp_path / "a.tar", vit_state(arch))
    assert "`arch` must be one of " in refusal(path, f"{arch}:heads={heads}")


def test_sizes_that_no_tensor_holds_take_no_memory(tmp_path):
    """Two thin tensors may declare an identity path of 2^32 numbers."""
    state = vit_state() | {
        "E.projection.0.weight": torch.zeros(2**16, 3, 1, 1),
        "TE.layers.0.R2.fn.l1.weight": torch.zeros(2**16, 1),
        "TE.layers.0.R2.fn.d1.weight": torch.zeros(2**16, 1),
    }
    torch.save({"state_dict": state}, tmp_path / "a.tar")
    assert "d1 of block 0 is not its fixed identity path" in refusal(tmp_path / "a.tar", VITS[0])


@pytest.mark.parametrize(
    "change",
    [
        {"TE.layers.9999.R1.ln.weight": torch.zeros(24)},
        {"E.positions": torch.zeros(2**40, 0)},
        {"C.2.weight": torch.zeros(2**40, 0)},
        {"E.projection.0.weight": torch.zeros(2**40, 0, 4, 4)},
        {"TE.layers.0.R2.fn.l1.weight": torch.zeros(2**40, 0)},
    ],
    ids=["deep", "many tokens", "many classes", "wide", "hidden"],
)
def test_sizes_beyond_the_limits(tmp_path, change):
    torch.save({"state_dict": vit_state() | change}, tmp_path / "a.tar")
    assert "a.tar: must have the keys and shapes" in refusal(tmp_path / "a.tar", VITS[0])
