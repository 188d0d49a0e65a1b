"""The split of the gradient against closed forms, counted paths and brute force."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.testing import assert_close

from acn_eval.dynamics.gradients import backward_paths, direct, split_gradients
from acn_eval.models.connectivity import CONNECTIVITIES, streams
from tests.models.networks import ALL, MEMBERS, MIXER, VIT, head, network, pictures, sublayers
from tests.models.networks import name as name_of

DEPTH, X0 = 6, 0.7
WEIGHTS = torch.tensor([0.9, -1.3, 0.4, 1.7, -0.6, 1.1], dtype=torch.float64)
LABELS = torch.tensor([0, 3, 4])


def product(numbers):
    return torch.tensor(list(numbers), dtype=torch.float64).prod().item()


def loss(net):
    return cross_entropy(net(pictures()), LABELS)


# What reaches layer i over the long connection alone, and over all paths (0-based i).
FORWARD = {
    "ffn": lambda w, i: product(w[:i]) * X0,
    "acn": lambda w, i: product(w[:i]) * X0,
    "acn_direct": lambda w, i: product(w[:i]) * X0,
    "residual": lambda w, i: product(1 + w[:i]) * X0,
}
DIRECT = {
    "ffn": lambda w, i: float(i == DEPTH - 1),
    "acn": lambda w, i: 1.0,
    "acn_direct": lambda w, i: 1.0,
    "residual": lambda w, i: 1.0,
}
MEDIATED = {
    "ffn": lambda w, i: product(w[i + 1 :]) if i < DEPTH - 1 else 0.0,
    "acn": lambda w, i: sum(product(w[i + 1 : j + 1]) for j in range(i + 1, DEPTH)),
    "acn_direct": lambda w, i: 0.0,
    "residual": lambda w, i: product(1 + w[i + 1 :]) - 1,
}


def line(connectivity, row):
    """The gradient of a 1-D linear network with respect to its weights."""
    w = [value.clone().requires_grad_() for value in WEIGHTS]
    units = [lambda x, scale=scale: scale * x for scale in w]
    combine = CONNECTIVITIES[connectivity].combine(DEPTH, 1)
    x0 = torch.full((1, 1, 1), X0, dtype=torch.float64)
    *_, last = streams(x0, units, row, combine)
    readout = row.readout(last).sum()
    return torch.stack(torch.autograd.grad(readout, w, materialize_grads=True))


@pytest.mark.parametrize("connectivity", FORWARD)
def test_both_parts_are_the_paper_s_formulas_in_one_dimension(connectivity):
    row = CONNECTIVITIES[connectivity]
    full, own = line(connectivity, row), line(connectivity, direct(row))

    def closed(part):
        forward = FORWARD[connectivity]
        values = [part(WEIGHTS, i) * forward(WEIGHTS, i) for i in range(DEPTH)]
        return torch.tensor(values, dtype=torch.float64)

    assert_close(own, closed(DIRECT[connectivity]), atol=1e-12, rtol=1e-12)
    assert_close(full - own, closed(MEDIATED[connectivity]), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("connectivity", ALL)
def test_path_counts_are_the_paths_that_are_there(connectivity):
    """With units that pass on what they read, every path counts 1 at the unit where it starts."""
    row = CONNECTIVITIES[connectivity]
    combine = row.combine(DEPTH, 1)
    with torch.no_grad():
        for name, parameter in combine.named_parameters():
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
    starts = [torch.zeros(1, 1, 1, requires_grad=True) for _ in range(DEPTH)]
    units = [lambda x, start=start: x + start for start in starts]
    *_, last = streams(torch.ones(1, 1, 1), units, row, combine)
    counted = [round(g.item()) for g in torch.autograd.grad(row.readout(last).sum(), starts)]
    if connectivity == "highway":
        assert backward_paths(connectivity, DEPTH) is None
    else:
        assert counted == backward_paths(connectivity, DEPTH)


@pytest.mark.parametrize("fields", MEMBERS, ids=name_of)
def test_the_full_gradient_is_what_backward_leaves(fields):
    net = network(fields)
    found = split_gradients(net, loss)
    assert len(found) == net.config.depth + 1
    assert all(p.grad is None for p in net.parameters())
    loss(net).backward()
    for layer, own in zip([net.embed, *net.blocks], found, strict=True):
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in layer.parameters()]
        assert_close(own.full, torch.cat([g.flatten() for g in grads]), atol=1e-6, rtol=1e-5)


def gradient_of(value, layer):
    grads = torch.autograd.grad(value, list(layer.parameters()), materialize_grads=True)
    return torch.cat([g.flatten() for g in grads])


def units_of(net):
    """Every unit with the number of its layer, as the default grain has them."""
    blocks = [sublayers(block) for block in net.blocks]
    if net.config.connectivity == "residual":
        return [(f, i) for i, pair in enumerate(blocks, 1) for f in pair]
    return [(lambda x, pair=pair: pair[1](pair[0](x)), i) for i, pair in enumerate(blocks, 1)]


def written_out(net, at, cut):
    """The loss, with the direct paths of unit `at` cut, or all its others (0 is the embedding)."""
    kind, outputs = net.config.connectivity, [net.embed(pictures())]
    for u, (f, _) in enumerate(units_of(net), 1):
        seen = [o.detach() if j == at and cut == "mediated" else o for j, o in enumerate(outputs)]
        read = sum(seen) if kind == "residual" else seen[-1]
        outputs.append(f(read.detach() if kind == "acn_direct" else read))
        assert len(outputs) == u + 1
    shown = [o.detach() if j == at and cut == "direct" else o for j, o in enumerate(outputs)]
    return cross_entropy(head(net, shown[-1] if kind == "ffn" else sum(shown)), LABELS)


@pytest.mark.parametrize("pool", ["cls", "mean"])
@pytest.mark.parametrize("kind", [VIT, MIXER], ids=["vit", "mixer"])
@pytest.mark.parametrize("connectivity", FORWARD)
def test_each_part_is_what_remains_when_the_other_paths_are_cut(connectivity, kind, pool):
    """Loops by hand; one unit at a time loses its direct paths, or all others."""
    net = network({**kind, "connectivity": connectivity, "pool": pool})
    layers = [net.embed, *net.blocks]
    owner = [0, *(i for _, i in units_of(net))]
    for number, found in enumerate(split_gradients(net, loss)):
        for cut, part in (("mediated", found.direct), ("direct", found.mediated)):
            wanted = torch.zeros_like(part)
            for at in (u for u, i in enumerate(owner) if i == number):
                if connectivity == "residual" and number:
                    wanted += own_part(net, layers[number], at, cut)
                else:
                    wanted += gradient_of(written_out(net, at, cut), layers[number])
            assert_close(part, wanted, atol=2e-6, rtol=1e-3)


def own_part(net, layer, at, cut):
    """Of a block of two units, the gradient of the parameters of one of them."""
    first = at == min(u for u, (_, i) in enumerate(units_of(net), 1) if layer is net.blocks[i - 1])
    names = ("norm1", "attn", "mlp1") if first else ("norm2", "mlp.", "mlp2")
    named = dict(layer.named_parameters())
    grads = torch.autograd.grad(
        written_out(net, at, cut), list(named.values()), materialize_grads=True
    )
    kept = [
        g if name.startswith(names) else torch.zeros_like(g)
        for name, g in zip(named, grads, strict=True)
    ]
    return torch.cat([g.flatten() for g in kept])


@pytest.mark.parametrize("fields", MEMBERS, ids=name_of)
def test_what_is_known_of_the_parts_for_every_row_of_the_table(fields):
    """The last unit has direct paths only; acn_direct only those; ffn none before the last."""
    *early, last = split_gradients(network(fields), loss)
    row, size = fields["connectivity"], max(g.full.abs().max() for g in [*early, last])
    one_unit = network(fields).config.unit == "block" or fields["kind"] == "official_mixer"
    if one_unit:
        assert last.mediated.abs().max() <= 1e-5 * size
    if row == "acn_direct":
        assert max(g.mediated.abs().max() for g in early) <= 1e-5 * size
    if row == "ffn":
        assert all(not g.direct.any() for g in early)
        assert all(g.mediated.any() for g in early)
    if row in ("acn", "residual", "highway") and fields.get("pool") == "mean":
        assert all(g.direct.any() and g.mediated.any() for g in early)


def test_a_direct_network_computes_the_same():
    for fields in MEMBERS:
        net = network(fields)
        before = net(pictures())
        split_gradients(net, loss)
        assert torch.equal(net(pictures()), before)
        assert net.connectivity is CONNECTIVITIES[fields["connectivity"]]
