"""Networks small enough to check by hand, with random parameters everywhere."""

from functools import partial
from itertools import product

import torch
from torch import nn

from acn_eval.models import build, initialize, read_arch
from acn_eval.tokens import Tokens

VIT = {"kind": "vit", "heads": 2, "hidden": 20}
MIXER = {"kind": "mixer", "token_hidden": 7, "channel_hidden": 20}
OFFICIAL = {**MIXER, "kind": "official_mixer"}
SIZES = {"depth": 3, "width": 12, "image_size": 8, "patch": 4, "classes": 5}
ALL = ("residual", "acn", "ffn", "acn_direct", "hybrid", "highway", "denseformer", "concat")
OFFICIAL_VIT = {"kind": "official_vit", "heads": 2, "hidden": 20}
BERT = {"kind": "bert", "heads": 2, "hidden": 20, "vocabulary": 11, "positions": 9}
TEXT_SIZES = {"depth": 3, "width": 12, "classes": 5}

# Every architecture x connectivity x grain x pool that a config admits.
MEMBERS = [
    {**kind, **SIZES, "connectivity": connectivity, "grain": grain, "pool": pool}
    for kind, connectivity, grain, pool in product(
        (VIT, MIXER), ALL, ("block", "sublayer"), ("cls", "mean")
    )
] + [
    {**OFFICIAL, **SIZES, "connectivity": connectivity, "skips": skips, "pool": pool}
    for connectivity, skips, pool in product(("acn", "ffn"), ("none", "both"), ("cls", "mean"))
]
MEMBERS += [{**VIT, **SIZES, "connectivity": c, "branches": (2, 0)} for c in ("acn", "residual")]
MEMBERS += [
    {**kind, **SIZES, "connectivity": connectivity, "skips": skips}
    for kind, connectivity, skips in product(
        (VIT, MIXER), ("acn", "hybrid"), ("attention", "mlp", "both")
    )
]
MEMBERS += [
    {**OFFICIAL_VIT, **SIZES, "connectivity": c, "skips": s}
    for c, s in (("acn", None), ("residual", None), ("acn", "attention"), ("acn_direct", None))
]
TEXT_MEMBERS = [
    {**BERT, **TEXT_SIZES, **own}
    for own in (
        *({"connectivity": c} for c in ALL),
        *({"connectivity": c, "norm": "pre"} for c in ("acn", "residual")),
        *({"connectivity": "acn", "skips": s} for s in ("attention", "mlp", "both")),
        {"connectivity": "acn", "skips": "both", "norm": "pre"},
        {"connectivity": "acn", "final_norm": True, "branches": (2, 0)},
        {"connectivity": "acn", "grain": "sublayer", "pool": "mean"},
    )
]
MASKED_MEMBERS = [
    {**BERT, "depth": 3, "width": 12, "connectivity": c, "norm": norm, "head": "mlm"}
    for c, norm in product(("acn", "residual"), ("post", "pre"))
]


def name(fields):
    return "-".join(
        str(fields[key])
        for key in (
            *("kind", "connectivity", "grain", "skips", "pool", "branches"),
            *("norm", "final_norm", "head"),
        )
        if key in fields
    )


def network(fields, seed=0):
    """A network in eval mode whose every parameter is random: no zeros that hide a term."""
    sizes = {} if fields["kind"] == "bert" else SIZES
    built = initialize(build(read_arch({**sizes, **fields}, "test")), seed)
    return randomised(built, seed)


def randomised(module: nn.Module, seed=0, std=0.3):
    generator = torch.Generator().manual_seed(seed + 1000)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * std)
    return module.eval()


def pictures(n=3, size=8, channels=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, channels, size, size, generator=generator)


def inputs(config, n=3, seed=0):
    """What a network of the config reads: pictures, or sentences of several lengths."""
    if config.kind != "bert":
        return pictures(n, config.image_size, config.channels, seed)
    generator, t = torch.Generator().manual_seed(seed), config.positions
    ids = torch.randint(config.vocabulary, (n, t), generator=generator)
    lengths = 1 + (torch.arange(n) * 4 + t - 1) % t
    mask = torch.arange(t) < lengths[:, None]
    return Tokens(ids, mask, (torch.arange(t) > lengths[:, None] // 2).long())


def run(f, x, skips):
    """Token mixing and channel mixing with inner skips, written out again."""
    mix, channels = f
    x = mix(x) + x if skips in ("attention", "both") else mix(x)
    return channels(x) + x if skips in ("mlp", "both") else channels(x)


def official_attention(attn, x):
    """softmax(q k') / sqrt(d) v, head by head."""
    width = x.shape[-1] // attn.heads
    heads = []
    for h in range(attn.heads):
        own = slice(h * width, (h + 1) * width)
        q, k, v = (layer(x)[..., own] for layer in (attn.queries, attn.keys, attn.values))
        heads.append((q @ k.transpose(1, 2)).softmax(-1) / width**0.5 @ v)
    return attn.proj(torch.cat(heads, -1))


def sublayers(block):
    """The two functions of a block, written out again."""
    if hasattr(block, "attn_norm"):
        attention = partial(official_attention, block.attn)
        return (
            lambda x: block.attn_norm(attention(block.norm1(x))),
            lambda x: block.mlp(block.norm2(x)),
        )
    if hasattr(block, "attn"):
        return (lambda x: block.attn(block.norm1(x))), (lambda x: block.mlp(block.norm2(x)))
    return block.mlp1, block.mlp2


def head(net, stream):
    """Pool, norm, head, written out again."""
    h = stream[:, 0, :] if net.config.pool == "cls" else stream.sum(1) / stream.shape[1]
    h = nn.functional.layer_norm(h, h.shape[-1:], net.norm.weight, net.norm.bias, net.norm.eps)
    return h @ net.head.weight.T + net.head.bias
