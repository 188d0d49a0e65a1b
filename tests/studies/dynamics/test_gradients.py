"""The split of the gradient against closed forms, counted paths and brute force."""

from functools import partial

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.testing import assert_close

from acn_eval.models.connectivity import CONNECTIVITIES, streams
from acn_eval.studies.dynamics.gradients import backward_paths, direct, split_gradients
from tests.models.networks import (
    ALL,
    MEMBERS,
    TEXT_MEMBERS,
    head,
    inputs,
    network,
    pictures,
    run,
    sublayers,
)
from tests.models.networks import name as name_of

DEPTH, X0 = 6, 0.7
WEIGHTS = torch.tensor([0.9, -1.3, 0.4, 1.7, -0.6, 1.1], dtype=torch.float64)
LABELS = torch.tensor([0, 3, 4])
IMAGES = pictures().double()


def product(numbers):
    return torch.tensor(list(numbers), dtype=torch.float64).prod().item()


def loss(net):
    return cross_entropy(net(inputs(net.config)), LABELS)


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


@pytest.mark.parametrize("fields", [*MEMBERS, *TEXT_MEMBERS], ids=name_of)
def test_the_full_gradient_is_what_backward_leaves(fields):
    net = network(fields)
    found = split_gradients(net, loss)
    assert len(found) == net.config.depth + 1
    assert all(p.grad is None for p in net.parameters())
    loss(net).backward()
    for layer, own in zip([net.embed, *net.blocks], found, strict=True):
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in layer.parameters()]
        assert_close(own.full, torch.cat([g.flatten() for g in grads]), atol=1e-6, rtol=1e-5)


def official(block, x, skips):
    """The released block, written out again: it is one unit."""
    return block.ln((block.linear(run((block.mlp1, block.mlp2), x, skips)) + x).relu())


def composed(block, x, skips):
    return run(sublayers(block), x, skips)


def units_of(net):
    """Every unit with its layer: the embedding, then blocks or their sub-layers."""
    usual = "both" if net.config.connectivity in ("denseformer", "concat") else "none"
    skips = net.config.skips or usual
    found = [(lambda _: net.embed(IMAGES), net.embed)]
    for block in net.blocks:
        if net.config.kind == "official_mixer":
            found.append((partial(official, block, skips=skips), block))
        elif net.config.unit == "block":
            found.append((partial(composed, block, skips=skips), block))
        else:
            found += [(f, block) for f in sublayers(block)]
    return found


def combined(net, outputs):
    """What the row of the table makes of all outputs so far, written out again."""
    kind, last = net.config.connectivity, len(outputs) - 2
    if last < 0:
        return outputs[0]
    if kind == "highway":
        mix = outputs[0]
        for gate, output in zip(net.combine.gates, outputs[1:], strict=False):
            t = 1 / (1 + torch.exp(-(mix @ gate.weight.T + gate.bias)))
            mix = t * output + (1 - t) * mix
        return mix
    if kind == "denseformer":
        return torch.einsum("j,j...->...", net.combine.weights[last], torch.stack(outputs))
    if kind == "concat":
        projection = net.combine.projections[last]
        return torch.cat(outputs, -1) @ projection.weight.T + projection.bias
    return sum(outputs)


def read(net, outputs):
    """What the next unit reads."""
    if net.config.connectivity == "hybrid" and len(outputs) > 1:
        return outputs[-1] + net.combine.shares[len(outputs) - 2] * sum(outputs[:-1])
    if not outputs or net.config.connectivity in ("acn", "ffn", "acn_direct"):
        return outputs[-1] if outputs else None
    return combined(net, outputs)


def shown(net, outputs):
    """The loss of the readout."""
    stream = outputs[-1] if net.config.connectivity == "ffn" else combined(net, outputs)
    return cross_entropy(head(net, stream), LABELS)


def arriving(net, outputs, at):
    """What arrives at the output of one unit: over its direct paths, and through later units.

    The loss is a function of all outputs. Direct is its derivative by one of them where all others
    stay what they are; mediated is what changes because later units read it.
    """
    leaf = outputs[at].clone().requires_grad_()
    before, after = outputs[:at], outputs[at + 1 :]
    direct_part = torch.autograd.grad(
        shown(net, [*before, leaf, *after]), leaf, materialize_grads=True
    )
    moved = [*before, leaf]
    for unit, _ in units_of(net)[at + 1 :]:
        seen = read(net, moved)
        moved.append(unit(seen.detach() if net.config.connectivity == "acn_direct" else seen))
    loss_of_later = shown(net, [*before, outputs[at], *moved[at + 1 :]])
    return direct_part[0], torch.autograd.grad(loss_of_later, leaf, materialize_grads=True)[0]


@pytest.mark.parametrize("fields", MEMBERS, ids=name_of)
def test_each_part_is_what_arrives_at_every_unit_by_brute_force(fields):
    """Every network, connectivity and grain, unit by unit; no definition leaves one out."""
    net = network(fields).double()
    units, outputs = units_of(net), []
    with torch.no_grad():
        for unit, _ in units:
            outputs.append(unit(read(net, outputs)))
    wanted = {layer: [0.0, 0.0] for _, layer in units}
    for at, (unit, layer) in enumerate(units):
        output = unit(read(net, outputs[:at]))
        for part, gradient in enumerate(arriving(net, outputs, at)):
            own = torch.autograd.grad(
                output,
                list(layer.parameters()),
                gradient,
                retain_graph=True,
                materialize_grads=True,
            )
            wanted[layer][part] = wanted[layer][part] + torch.cat([g.flatten() for g in own])
    found = split_gradients(net, lambda net: cross_entropy(net(IMAGES), LABELS))
    for layer, (own, mediated) in zip(found, wanted.values(), strict=True):
        assert_close(layer.direct, own, atol=1e-11, rtol=1e-9)
        assert_close(layer.mediated, mediated, atol=1e-11, rtol=1e-9)


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
