"""Each row of the table against loops written out by hand."""

import pytest
import torch
from torch.testing import assert_close

from acn_eval.models.connectivity import CONNECTIVITIES, streams
from tests.models.networks import MIXER, VIT, head, network, pictures, run, sublayers

KINDS = pytest.mark.parametrize("kind", [VIT, MIXER], ids=["vit", "mixer"])
POOLS = pytest.mark.parametrize("pool", ["cls", "mean"])


def close(got, wanted):
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert_close(one, other, atol=2e-5, rtol=1e-5)


@KINDS
@POOLS
def test_residual_is_the_textbook_pre_norm_loop(kind, pool):
    net, images = network({**kind, "connectivity": "residual", "pool": pool}), pictures()
    x = net.embed(images)
    wanted = [head(net, x)]
    for block in net.blocks:
        first, second = sublayers(block)
        x = x + first(x)
        x = x + second(x)
        wanted.append(head(net, x))
    close(net.exits(images), wanted)


@KINDS
@POOLS
def test_acn_is_the_sum_of_all_outputs_and_of_the_embedding(kind, pool):
    net, images = network({**kind, "connectivity": "acn", "pool": pool}), pictures()
    outputs = [net.embed(images)]
    for block in net.blocks:
        first, second = sublayers(block)
        outputs.append(second(first(outputs[-1])))
    wanted = [head(net, torch.stack(outputs[: k + 1]).sum(0)) for k in range(len(outputs))]
    close(net.exits(images), wanted)
    assert_close(net(images), wanted[-1], atol=2e-5, rtol=1e-5)


@KINDS
def test_acn_by_sublayers_sums_every_sublayer(kind):
    net = network({**kind, "connectivity": "acn", "grain": "sublayer"})
    h = total = net.embed(pictures())
    wanted = [head(net, total)]
    for block in net.blocks:
        for f in sublayers(block):
            h = f(h)
            total = total + h
        wanted.append(head(net, total))
    close(net.exits(pictures()), wanted)


@KINDS
def test_ffn_reads_and_shows_the_last_output(kind):
    net = network({**kind, "connectivity": "ffn"})
    h = net.embed(pictures())
    wanted = [head(net, h)]
    for block in net.blocks:
        h = run(sublayers(block), h, skips="none")
        wanted.append(head(net, h))
    close(net.exits(pictures()), wanted)


@KINDS
def test_acn_direct_is_acn_forward_and_its_gradient_takes_the_long_connection_only(kind):
    net = network({**kind, "connectivity": "acn_direct"})
    twin = network({**kind, "connectivity": "acn"})
    assert torch.equal(net(pictures()), twin(pictures()))

    net(pictures()).square().sum().backward()
    with torch.no_grad():
        outputs = [net.embed(pictures())]
        for block in net.blocks:
            outputs.append(run(sublayers(block), outputs[-1], skips="none"))
    for i, part in enumerate([net.embed, *net.blocks]):
        # Only part i is alive: everything else is a constant.
        alive = part(pictures()) if i == 0 else run(sublayers(part), outputs[i - 1], skips="none")
        logits = head(net, sum(outputs) - outputs[i] + alive)
        wanted = torch.autograd.grad(logits.square().sum(), list(part.parameters()))
        for parameter, gradient in zip(part.parameters(), wanted, strict=True):
            assert_close(parameter.grad, gradient, atol=1e-3, rtol=1e-3)


@KINDS
@pytest.mark.parametrize("skips", ["none", "attention", "mlp", "both"])
def test_inner_skips_are_around_token_mixing_or_channel_mixing(kind, skips):
    """An ACN: no residual between blocks, and no parameter more."""
    net = network({**kind, "connectivity": "acn", "skips": skips})
    h = total = net.embed(pictures())
    wanted = [head(net, total)]
    for block in net.blocks:
        first, second = sublayers(block)
        mixed = {"none": first(h), "mlp": first(h)}.get(skips, h + first(h))
        h = {"none": second(mixed), "attention": second(mixed)}.get(skips, mixed + second(mixed))
        total = total + h
        wanted.append(head(net, total))
    close(net.exits(pictures()), wanted)
    plain = network({**kind, "connectivity": "acn"})
    assert plain.state_dict().keys() == net.state_dict().keys()


@KINDS
def test_hybrid_reads_a_trained_share_of_the_sum(kind):
    net = network({**kind, "connectivity": "hybrid"})
    h = total = net.embed(pictures())
    wanted = [head(net, total)]
    for block, share in zip(net.blocks, [*net.combine.shares, 0], strict=True):
        first, second = sublayers(block)
        output = second(first(h))
        h = output + share * total
        total = total + output
        wanted.append(head(net, total))
    close(net.exits(pictures()), wanted)


@KINDS
@pytest.mark.parametrize(("share", "connectivity"), [(0.0, "acn"), (1.0, "residual")])
def test_hybrid_lies_between_acn_and_residual(kind, share, connectivity):
    net = network({**kind, "connectivity": "hybrid"})
    twin = network({**kind, "connectivity": connectivity, "grain": "block"})
    twin.load_state_dict({k: v for k, v in net.state_dict().items() if "combine" not in k})
    with torch.no_grad():
        for own in net.combine.shares:
            own.fill_(share)
    close(net.exits(pictures()), twin.exits(pictures()))


@KINDS
def test_a_fresh_hybrid_is_the_acn(kind):
    from acn_eval.models import build, initialize, read_arch

    net, acn = (
        initialize(build(read_arch({**kind, "connectivity": c, "width": 16}, "test")), 3)
        for c in ("hybrid", "acn")
    )
    assert torch.equal(net(pictures()), acn(pictures()))
    net(pictures()).square().sum().backward()
    assert all(share.grad.abs() > 0 for share in net.combine.shares)


@KINDS
def test_highway_mixes_through_a_gate(kind):
    net = network({**kind, "connectivity": "highway"})
    x = net.embed(pictures())
    wanted, i = [head(net, x)], 0
    for block in net.blocks:
        for f in sublayers(block):
            gate = net.combine.gates[i]
            t = 1 / (1 + torch.exp(-(x @ gate.weight.T + gate.bias)))
            x = t * f(x) + (1 - t) * x
            i += 1
        wanted.append(head(net, x))
    assert i == len(net.combine.gates)
    close(net.exits(pictures()), wanted)


@KINDS
def test_denseformer_averages_over_depth(kind):
    net = network({**kind, "connectivity": "denseformer"})
    outputs = [net.embed(pictures())]
    x, wanted = outputs[0], [head(net, outputs[0])]
    for block, weights in zip(net.blocks, net.combine.weights, strict=True):
        outputs.append(run(sublayers(block), x, skips="both"))
        assert len(weights) == len(outputs)
        x = torch.einsum("j,j...->...", weights, torch.stack(outputs))
        wanted.append(head(net, x))
    close(net.exits(pictures()), wanted)


@KINDS
def test_concat_projects_all_outputs_back_to_the_width(kind):
    net = network({**kind, "connectivity": "concat"})
    outputs = [net.embed(pictures())]
    x, wanted = outputs[0], [head(net, outputs[0])]
    for block, projection in zip(net.blocks, net.combine.projections, strict=True):
        outputs.append(run(sublayers(block), x, skips="both"))
        pieces = projection.weight.split(net.config.width, dim=1)
        parts = [h @ piece.T for h, piece in zip(outputs, pieces, strict=True)]
        x = sum(parts) + projection.bias
        wanted.append(head(net, x))
    close(net.exits(pictures()), wanted)


@KINDS
@POOLS
def test_both_readings_are_what_the_table_says(kind, pool):
    """ACN: the sum of all outputs, and the last output alone; residual: one and the same."""
    net, images = network({**kind, "connectivity": "acn", "pool": pool}), pictures()
    outputs = [net.embed(images)]
    for block in net.blocks:
        outputs.append(run(sublayers(block), outputs[-1], skips="none"))
    found = net.readings(images)
    with torch.no_grad():
        net.head.weight.copy_(torch.eye(*net.head.weight.shape))
        net.head.bias.zero_()
    classes = net.config.classes  # the head now shows the first features
    close([r.block[:, :classes] for r in found], [head(net, x) for x in outputs])
    sums = [torch.stack(outputs[: k + 1]).sum(0) for k in range(len(outputs))]
    close([r.stream[:, :classes] for r in found], [head(net, x) for x in sums])
    assert not torch.allclose(found[1].block, found[1].stream)

    twin = network({**kind, "connectivity": "residual", "pool": pool})
    assert all(r.block is r.stream for r in twin.readings(images))


def test_a_fresh_denseformer_is_the_residual_network():
    from acn_eval.models import build, initialize, read_arch

    fields = {"kind": "vit", "depth": 3, "width": 16}
    plain, dense = (
        initialize(build(read_arch({**fields, "connectivity": c}, "test")), 3)
        for c in ("residual", "denseformer")
    )
    for weights in dense.combine.weights:
        assert weights.tolist() == [0.0] * (len(weights) - 1) + [1.0]
    close(dense.exits(pictures()), plain.exits(pictures()))


def test_a_fresh_highway_mostly_carries():
    from acn_eval.models import build, initialize, read_arch

    net = initialize(build(read_arch({"kind": "vit", "connectivity": "highway"}, "test")), 0)
    assert {gate.bias.unique().item() for gate in net.combine.gates} == {-1.0}


DEPTH, X0 = 6, 0.7
WEIGHTS = torch.tensor([0.9, -1.3, 0.4, 1.7, -0.6, 1.1], dtype=torch.float64)


def product(numbers):
    return torch.tensor(list(numbers), dtype=torch.float64).prod().item()


def ffn_gradient(w, i):
    return product(w[i + 1 :]) * product(w[:i]) * X0


def resnet_gradient(w, i):
    return product(1 + w[i + 1 :]) * product(1 + w[:i]) * X0


def acn_gradient(w, i):
    through = sum(product(w[i + 1 : j + 1]) for j in range(i + 1, DEPTH))
    return (1 + through) * product(w[:i]) * X0


def acn_direct_gradient(w, i):
    return product(w[:i]) * X0


@pytest.mark.parametrize(
    ("connectivity", "formula"),
    [
        ("ffn", ffn_gradient),
        ("residual", resnet_gradient),
        ("acn", acn_gradient),
        ("acn_direct", acn_direct_gradient),
    ],
)
def test_gradients_of_one_dimensional_linear_networks(connectivity, formula):
    """The formulas of the paper, for every layer."""
    w = [value.clone().requires_grad_() for value in WEIGHTS]
    units = [lambda x, scale=scale: scale * x for scale in w]
    row = CONNECTIVITIES[connectivity]
    x0 = torch.tensor([[[X0]]], dtype=torch.float64)
    *_, last = streams(x0, units, row, row.combine(DEPTH, 1))
    got = torch.stack(torch.autograd.grad(row.readout(last).sum(), w))
    wanted = torch.tensor([formula(WEIGHTS, i) for i in range(DEPTH)], dtype=torch.float64)
    assert_close(got, wanted, atol=1e-12, rtol=1e-12)


def test_backward_paths_of_layer_i_number_l_minus_i_plus_1_in_acn_and_two_to_the_l_minus_i():
    ones = torch.ones(DEPTH, dtype=torch.float64)
    for connectivity, paths in (
        ("acn", [DEPTH - i + 1 for i in range(1, DEPTH + 1)]),
        # The forward term has 2^(i-1) paths of its own.
        ("residual", [2 ** (DEPTH - i) * 2 ** (i - 1) for i in range(1, DEPTH + 1)]),
        ("ffn", [1] * DEPTH),
    ):
        w = [one.clone().requires_grad_() for one in ones]
        units = [lambda x, scale=scale: scale * x for scale in w]
        row = CONNECTIVITIES[connectivity]
        x0 = torch.ones(1, 1, 1, dtype=torch.float64)
        *_, last = streams(x0, units, row, row.combine(DEPTH, 1))
        assert [g.item() for g in torch.autograd.grad(row.readout(last).sum(), w)] == paths
