"""The official twins are the released networks, block by block."""

import pytest
import torch

from acn_eval.errors import ConfigError
from acn_eval.models import build, initialize, read_arch, rewired

OFFICIAL = {"kind": "official_mixer", "depth": 2, "pool": "mean"}


@pytest.mark.parametrize(
    ("start", "stated"), [("acn", {}), ("acn", {"skips": "both"}), ("ffn", {})]
)
def test_the_official_twins_are_the_released_networks(start, stated):
    """AC without inner skips, Res as ffn with them, whichever of the two it is made from."""
    arch = read_arch({**OFFICIAL, "connectivity": start, **stated}, "mine")
    found = {c: rewired(arch, c) for c in ("acn", "ffn")}
    assert rewired(arch, "residual") == found["ffn"]
    assert {c: (a.connectivity, a.skips) for c, a in found.items()} == {
        "acn": ("acn", "none"),
        "ffn": ("ffn", "both"),
    }
    assert rewired(found["ffn"], "acn") == found["acn"]


@pytest.mark.parametrize("skips", ["none", "attention", False, [], {}])
def test_the_released_residual_network_has_both_skips(skips):
    with pytest.raises(ConfigError, match="skips must be both where the connectivity is residual"):
        read_arch({**OFFICIAL, "connectivity": "residual", "skips": skips}, "mine")


@pytest.mark.parametrize("skips", [[], {}, 1, "all"])
def test_skips_that_are_none_are_refused(skips):
    with pytest.raises(ConfigError, match="skips"):
        read_arch({**OFFICIAL, "skips": skips}, "mine")


def test_the_skips_of_an_official_block_can_be_stated():
    for connectivity in ("acn", "ffn"):
        fields = {**OFFICIAL, "connectivity": connectivity}
        assert read_arch(fields, "mine").skips == ("both" if connectivity == "ffn" else "none")
        for skips in ("none", "attention", "mlp", "both"):
            assert read_arch({**fields, "skips": skips}, "mine").skips == skips
        for older, skips in ((False, "none"), (True, "both")):
            assert read_arch({**fields, "skips": older}, "mine").skips == skips


def test_a_residual_official_block_is_the_authors():
    """LN(ReLU(Linear(mlp2(mlp1(x))) + x)) with skips in mlp1 and mlp2, written out."""
    twin = rewired(read_arch(OFFICIAL, "mine"), "ffn")
    network = initialize(build(twin), 3)
    x = network.embed(torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    for block in network.blocks:
        h = x + block.mlp1(x)
        h = h + block.mlp2(h)
        x = block.ln((block.linear(h) + x).relu())
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(images), network.classify(x, images))


def test_a_twin_has_its_own_grain_and_what_is_changed():
    arch = read_arch({"kind": "vit", "connectivity": "acn", "grain": "block"}, "mine")
    twin = rewired(arch, "residual", depth=3, classes=7)
    assert (twin.unit, twin.depth, twin.classes) == ("sublayer", 3, 7)
    with pytest.raises(ConfigError, match=r"highway: .*official_mixer\.connectivity"):
        rewired(read_arch(OFFICIAL, "a"), "highway")
