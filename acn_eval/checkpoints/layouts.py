"""What the authors' files hold: one table, for the loader and for what it refuses.

Read from their code: github.com/vdorovatas/Auto_Compressing_Networks, mixer/ at its head, and vit/
at commit 5f151afe0f20, deleted since.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

__all__ = ["OFFICIAL", "Layout", "Released", "fitting", "state_of"]


@dataclass(frozen=True)
class Layout:
    """The parameters of a released network, and what is known about its training.

    Attributes:
        names: how their keys start, # being the number of a block, and how ours do.
        sizes: field of the config, or ``tokens``: one of their keys, and the axis of its shape.
        data: what it was trained on.
        classes: the names of its classes, where the file has as many.
        crop_pct: of the framing of its images, see `acn_eval.data.Framing`; None: ours.
        unused: how the keys start that their network never reads.
        identities: whether the MLPs have weights d1, d2 that are not trained: [I; 0] and [I, 0].
    """

    names: Mapping[str, str]
    sizes: Mapping[str, tuple[str, int]]
    data: str
    classes: tuple[str, ...] = ()
    crop_pct: float | None = None
    unused: tuple[str, ...] = ()
    identities: bool = False

    def renamed(self, key: str) -> str | None:
        """Return our name of a parameter, "" where the network never reads it; None: unknown."""
        for theirs, ours in {**self.names, **dict.fromkeys(self.unused, "")}.items():
            if start := re.match(re.escape(theirs).replace(r"\#", "([0-9]{1,4})"), key):
                return ours and start.expand(ours.replace("#", r"\1")) + key[start.end() :]
        return None


class Released(NamedTuple):
    """A released network: the layout of its file, and the fields that no tensor tells."""

    layout: Layout
    stated: Mapping[str, Any]


def state_of(content: object) -> dict[Any, Any] | None:
    """Return the parameters in what the authors save, without the prefix of parallel training."""
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(state, dict):
        return None
    parallel = all(isinstance(key, str) and key.startswith("module.") for key in state)
    return {key.removeprefix("module."): state[key] for key in state} if parallel else state


def fitting(state: Mapping[Any, Any] | None) -> list[str]:
    """Return the names of the architectures that know every key."""
    keys = [str(key) for key in state or ()]
    known = {name: map(released.layout.renamed, keys) for name, released in OFFICIAL.items()}
    return [name for name, ours in known.items() if keys and None not in ours]


_MIXER = Layout(
    names={
        "cls_token": "embed.cls_token",
        "patch_emb.0.": "embed.proj.",
        "mixer_layers.#.": "blocks.#.",
        "clf.": "head.",
        "ln.": "norm.",
    },
    sizes={
        "width": ("patch_emb.0.weight", 0),
        "channels": ("patch_emb.0.weight", 1),
        "patch": ("patch_emb.0.weight", 2),
        "tokens": ("mixer_layers.0.mlp1.fc1.weight", 1),
        "token_hidden": ("mixer_layers.0.mlp1.fc1.weight", 0),
        "channel_hidden": ("mixer_layers.0.mlp2.fc1.weight", 0),
        "classes": ("clf.weight", 0),
    },
    data="cifar10",
    classes=(
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    ),
)


def _vit(block: Mapping[str, str], hidden: str) -> Layout:
    """Return the layout of a ViT from the names in a block; `hidden` is one of them."""
    names = {
        "E.cls_token": "embed.cls_token",
        "E.positions": "embed.pos_embed",
        "E.projection.0.": "embed.proj.",
        "C.1.": "norm.",
        "C.2.": "head.",
        **{f"TE.layers.#.{theirs}": f"blocks.#.{ours}" for theirs, ours in block.items()},
    }
    sizes = {
        "width": ("E.projection.0.weight", 0),
        "channels": ("E.projection.0.weight", 1),
        "patch": ("E.projection.0.weight", 2),
        "tokens": ("E.positions", 0),
        "hidden": (f"TE.layers.0.{hidden}weight", 0),
        "classes": ("C.2.weight", 0),
    }
    return Layout(names, sizes, "imagenet", crop_pct=224 / 256)


_VIT = _vit(
    {
        "0.fn.0.": "norm1.",
        "0.fn.1.keys.": "attn.keys.",
        "0.fn.1.queries.": "attn.queries.",
        "0.fn.1.values.": "attn.values.",
        "0.fn.1.projection.": "attn.proj.",
        "1.fn.0.": "norm2.",
        "1.fn.1.0.": "mlp.fc1.",
        "1.fn.1.3.": "mlp.fc2.",
    },
    hidden="1.fn.1.0.",
)
_AC_VIT = replace(
    _vit(
        {
            "R1.ln.": "norm1.",
            "R1.fn.keys.": "attn.keys.",
            "R1.fn.queries.": "attn.queries.",
            "R1.fn.values.": "attn.values.",
            "R1.fn.projection.": "attn.proj.",
            "R1.fn.ln.": "attn_norm.",
            "R2.ln.": "norm2.",
            "R2.fn.l1.": "mlp.fc1.",
            "R2.fn.l2.": "mlp.fc2.",
            "R2.fn.d1.": "mlp.d1.",
            "R2.fn.d2.": "mlp.d2.",
        },
        hidden="R2.fn.l1.",
    ),
    unused=("TE.layers.#.linear.", "TE.layers.#.ln.", "TE.encoder_norm."),
    identities=True,
)

_MIXERS, _VITS = {"kind": "official_mixer"}, {"kind": "official_vit", "heads": 8}
OFFICIAL: dict[str, Released] = {
    "official/ac-mixer": Released(_MIXER, {**_MIXERS, "connectivity": "acn", "skips": "none"}),
    "official/res-mixer": Released(_MIXER, {**_MIXERS, "connectivity": "ffn", "skips": "both"}),
    "official/ac-vit": Released(_AC_VIT, {**_VITS, "connectivity": "acn"}),
    "official/vit": Released(_VIT, {**_VITS, "connectivity": "residual"}),
}
"""By the name that a user gives it; the heads are the authors', and no tensor tells them."""
