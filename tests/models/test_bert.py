"""BERT against transformers' at every exit, against sums written out, and with padding."""

import pytest
import torch

from acn_eval.checkpoints.hugging_face import read_hugging_face
from acn_eval.errors import ConfigError, DataError
from acn_eval.models import build, initialize, read_arch, rewired
from acn_eval.studies.dynamics.gradients import split_gradients
from acn_eval.tokens import Tokens
from tests.checkpoints.bert_folders import batch, saved
from tests.models.networks import BERT, MASKED_MEMBERS, TEXT_MEMBERS, inputs, name, network

SIZES = {
    "small": {},
    "one head, wide": {"hidden_size": 40, "num_attention_heads": 1, "intermediate_size": 16},
    "deep": {"num_hidden_layers": 6, "num_attention_heads": 8, "max_position_embeddings": 9},
}
FIELDS = {"depth": 3, "width": 12, "classes": 5, **BERT}


def ours(given):
    return Tokens(given["input_ids"], given["attention_mask"].bool(), given["token_type_ids"])


@pytest.fixture(scope="module", params=["classifier", "mlm"])
def pair(request, tmp_path_factory):
    """Networks of transformers in several sizes, and ours of their weights."""
    made = {}
    for size, changed in SIZES.items():
        folder = tmp_path_factory.mktemp("bert")
        model = saved(folder, request.param, **changed)
        native = read_hugging_face(folder)
        own = build(native.card.arch).eval()
        own.load_state_dict(native.state)
        made[size] = model, own
    return made


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tokens", [3, 9])
def test_every_exit_is_transformers_head_on_its_hidden_states(pair, size, attention, tokens):
    model, own = pair[size]
    model.set_attn_implementation(attention)
    given = batch(tokens=tokens)
    with torch.no_grad():
        found = model(**given, output_hidden_states=True)
        exits = own.exits(ours(given))
        assert len(exits) == len(found.hidden_states) == own.config.depth + 1
        for logits, hidden in zip(exits, found.hidden_states, strict=True):
            if hasattr(model, "cls"):
                wanted, there = model.cls(hidden), given["attention_mask"].bool()
                wanted, logits = wanted[there], logits[there]
            else:
                wanted = model.classifier(model.bert.pooler.dense(hidden[:, 0]).tanh())
            torch.testing.assert_close(logits, wanted, atol=1e-5, rtol=1e-5)
        whole = found.logits if found.logits.dim() == 2 else found.logits[there]
        torch.testing.assert_close(logits, whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("head", ["classifier", "mlm"])
def test_a_randomly_chosen_weight_matters(head, tmp_path):
    """The comparison above can fail: no parameter is ignored but rows that no example names."""
    saved(tmp_path, head)
    native = read_hugging_face(tmp_path)
    own, given = build(native.card.arch).eval(), ours(batch())
    own.load_state_dict(native.state)
    with torch.no_grad():
        wanted = own(given)
        for key, parameter in own.named_parameters():
            kept = parameter.clone()
            parameter.add_(torch.randn(kept.shape, generator=torch.Generator().manual_seed(2)))
            assert (own(given) - wanted).abs().max() > 1e-4, key
            parameter.copy_(kept)


def attention(attn, x, mask):
    """Softmax over the tokens that are there, head by head and example by example."""
    q, k, v = attn.qkv(x).chunk(3, -1)
    width, out = x.shape[-1] // attn.heads, torch.zeros_like(x)
    for i, there in enumerate(mask):
        for h in range(attn.heads):
            own = slice(h * width, (h + 1) * width)
            scores = q[i, :, own] @ k[i, there][:, own].T / width**0.5
            out[i, :, own] = scores.softmax(-1) @ v[i, there][:, own]
    return attn.proj(out)


def block_by_hand(block, x, mask, norm, skips):
    first, second = float(skips in ("attention", "both")), float(skips in ("mlp", "both"))
    if norm == "pre":
        x = attention(block.attn, block.norm1(x), mask) + first * x
        return block.mlp(block.norm2(x)) + second * x
    x = block.norm1(attention(block.attn, x, mask) + first * x)
    return block.norm2(block.mlp(x) + second * x)


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("skips", ["none", "attention", "mlp", "both"])
def test_an_acn_reads_out_the_sum_of_all_outputs(norm, skips):
    net = network({**FIELDS, "connectivity": "acn", "norm": norm, "skips": skips})
    given = inputs(net.config)
    place = net.embed.positions.weight[: given.ids.shape[1]]
    with torch.no_grad():
        x = net.embed.words.weight[given.ids] + net.embed.segments.weight[given.segments] + place
        x = total = net.embed.norm(x)
        for block, logits in zip([None, *net.blocks], net.exits(given), strict=True):
            if block is not None:
                x = block_by_hand(block, x, given.mask, norm, skips)
                total = total + x
            read = net.norm(total[:, 0])
            wanted = net.head.out(torch.tanh(net.head.pooler(read)))
            torch.testing.assert_close(logits, wanted, atol=1e-5, rtol=1e-5)
    assert net.config.final_norm == (norm == "pre")


@pytest.mark.parametrize("fields", [*TEXT_MEMBERS, *MASKED_MEMBERS], ids=name)
def test_padding_changes_no_answer(fields):
    net = network(fields)
    given = inputs(net.config)[1:2]
    there = int(given.mask.sum())
    other = Tokens(given.ids.clone(), given.mask, given.segments)
    other.ids[:, there:] = 10 - other.ids[:, there:]
    short = Tokens(*(part[:, :there] for part in (given.ids, given.mask, given.segments)))
    with torch.no_grad():
        exits, changed, alone = net.exits(given), net.exits(other), net.exits(short)
    for one, two, three in zip(exits, changed, alone, strict=True):
        if one.dim() == 3:
            one, two = one[:, :there], two[:, :there]
        assert torch.equal(one, two)
        torch.testing.assert_close(one, three, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("head", ["classifier", "mlm"])
def test_the_direct_gradient_of_an_acn_is_that_of_blocks_that_read_detached_input(head):
    """Direct and mediated gradient are the full one; padding is in none of them."""
    net = network({**FIELDS, "classes": 11, "connectivity": "acn", "head": head})
    given = inputs(net.config)
    x = total = net.embed(given)
    for block in net.blocks:
        x = block_by_hand(block, x.detach(), given.mask, "post", "none")
        total = total + x
    wanted = torch.autograd.grad(net.classify(total, given).square().sum(), [*net.parameters()])
    names = [key for key, _ in net.named_parameters()]
    found = split_gradients(net, lambda own: own(given).square().sum())
    for i, part in enumerate(found):
        start = f"blocks.{i - 1}." if i else "embed."
        own = [g.flatten() for key, g in zip(names, wanted, strict=True) if key.startswith(start)]
        torch.testing.assert_close(part.direct, torch.cat(own), atol=1e-3, rtol=1e-4)
    assert all(part.mediated.any() for part in found[:-1])
    assert not found[-1].mediated.any()


def test_a_mean_is_over_the_tokens_that_are_there():
    net = network({**FIELDS, "connectivity": "acn", "pool": "mean"})
    given = inputs(net.config)
    with torch.no_grad():
        *_, stream = net.streams(given)
        own = [x[there].mean(0) for x, there in zip(stream, given.mask, strict=True)]
        torch.testing.assert_close(net.head(net.norm(torch.stack(own))), net(given))


def test_an_example_of_special_tokens_alone_has_finite_answers():
    net = network({**FIELDS, "connectivity": "acn"})
    given = Tokens.blank(2, 2)
    with torch.no_grad():
        assert all(torch.isfinite(logits).all() for logits in net.exits(given))


@pytest.mark.parametrize("fields", MASKED_MEMBERS, ids=name)
def test_a_masked_language_model_answers_what_is_asked_and_can_be_cut(fields):
    net = network(fields)
    given = inputs(net.config)
    asked = given.mask & (given.ids % 2 == 0)
    some = Tokens(given.ids, given.mask, given.segments, asked)
    with torch.no_grad():
        exits = net.exits(given)
        for k, (logits, own) in enumerate(zip(exits, net.exits(some), strict=True)):
            assert logits.shape == (*given.ids.shape, net.config.vocabulary)
            torch.testing.assert_close(own, logits[asked])
            assert torch.equal(logits, net.truncated(k)(given))
    assert not torch.equal(exits[-1], exits[-2])


def test_a_masked_language_model_decodes_with_its_table_of_words():
    net = network(MASKED_MEMBERS[0])
    assert not any("decoder" in key for key in net.state_dict())
    (gradient,) = torch.autograd.grad(net(inputs(net.config)).square().sum(), net.head.bias)
    assert gradient.abs().min() > 0


def test_more_tokens_than_positions_are_refused():
    net = network(FIELDS)
    with pytest.raises(DataError, match="at most 9, the positions of the network; got 10"):
        net(Tokens.blank(1, 10))


def test_the_twin_of_an_acn_is_the_residual_network_of_transformers():
    acn = read_arch({**FIELDS, "connectivity": "acn"}, "test")
    twin = rewired(acn, "residual")
    assert (twin.connectivity, twin.skips, twin.unit) == ("ffn", "both", "block")
    assert (acn.inner_skips, acn.final_norm, twin.final_norm) == ("none", False, False)
    assert rewired(twin, "acn") == acn
    pre = rewired(read_arch({**FIELDS, "norm": "pre"}, "test"), "acn")
    assert (pre.final_norm, rewired(pre, "residual").unit) == (True, "sublayer")


def test_what_is_recorded_says_all():
    written = read_arch({"kind": "bert", "head": "mlm", "norm": "pre"}, "test").model_dump()
    assert (written["classes"], written["final_norm"]) == (30_522, True)
    fair = read_arch({**FIELDS, "connectivity": "acn", "final_norm": True}, "test")
    assert rewired(fair, "residual").final_norm


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"width": 10, "heads": 3}, "heads must divide width"),
        ({"skips": "none"}, "skips must be both where"),
        ({"grain": "sublayer", "skips": "both"}, "skips must be none where the grain"),
        ({"head": "mlm", "classes": 2}, "a class for every piece"),
        ({"head": "mlm", "branches": (1,)}, "no branches"),
        ({"positions": 2**13 + 1}, "positions"),
        ({"vocabulary": 2**18 + 1}, "vocabulary"),
        ({"image_size": 8}, "image_size"),
    ],
)
def test_a_wrong_field_is_named(fields, said):
    with pytest.raises(ConfigError, match=said):
        read_arch({"kind": "bert", **fields}, "recipe.yaml")


def test_it_starts_as_bert_does():
    arch = {"kind": "bert", "depth": 2, "width": 64, "vocabulary": 500}
    for key, parameter in initialize(build(read_arch(arch, "test")), 0).named_parameters():
        if key.endswith("bias"):
            assert not parameter.any()
        elif parameter.dim() > 1:
            assert 0.017 < parameter.std() < 0.023, key
        else:
            assert (parameter == 1).all()
