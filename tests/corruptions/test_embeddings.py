"""Noise on embeddings keeps the contract of noise inside any BERT, and is what it says."""

import hashlib
from itertools import product

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from scipy.stats import kstest, norm

from acn_eval.checkpoints.hugging_face import read_hugging_face
from acn_eval.corruptions import (
    AnyCorruption,
    Context,
    EmbeddingGaussian,
    Gaussian,
    NoiseKey,
    noise_digest,
)
from acn_eval.data import Geometry
from acn_eval.data.sentences import SentenceSpec
from acn_eval.data.tokens import PrepareTokens, Vocabulary
from acn_eval.errors import ConfigError
from acn_eval.models import build
from acn_eval.texts import SentenceBatch
from tests.checkpoints.bert_folders import PIECES, saved
from tests.corruptions.test_philox import reference
from tests.corruptions.test_text import sentences
from tests.letters import VOCABULARY
from tests.models.networks import BERT, network

NOISE = EmbeddingGaussian()
KEY = NoiseKey(seed=3, repeat=1)
FRAME = [VOCABULARY.numbers[piece] for piece in ("[PAD]", "[CLS]", "[SEP]")]
PREPARES = {n: PrepareTokens(SentenceSpec(n), VOCABULARY, 300) for n in (1, 2)}
TINY = {**BERT, "vocabulary": len(VOCABULARY), "positions": 300, "width": 12, "depth": 2}


def prepared(batch, ids, level=0.2, key=KEY, noise=NOISE):
    """The tokens of sentences whose embeddings are to get noise."""
    draw = noise.draw(batch.shape, ids, key)
    shown = noise.corrupt(batch, draw, level, Context())
    assert shown.texts == batch.texts
    return PREPARES[batch.shape[1]](shown)


def plain(tokens, width=12):
    """Embeddings of mean 0 and std 1 to the last bit, so that the noise is visible to the bit."""
    return torch.ones(*tokens.ids.shape, width).index_fill_(2, torch.arange(0, width, 2), -1)


def numbers(batch, ids, **changes):
    """Noisy embeddings of each example, without padding."""
    tokens = prepared(batch, ids, **changes)
    noisy = tokens.noise(plain(tokens))
    return [x[there] for x, there in zip(noisy, tokens.mask, strict=True)]


def same(found, expected):
    return all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("per_example", [1, 2])
def test_known_answers(per_example):
    """Philox in Python's integers, quantiles of scipy, means of numpy, one number at a time."""
    texts = (("a film", "dull"), ("not a good one", "x"))
    batch = SentenceBatch(tuple(pair[:per_example] for pair in texts))
    net, ids = network(TINY), torch.tensor([-1, 2**62 + 9])
    clean, key = PREPARES[per_example](batch), KEY.words("embedding_gaussian").tolist()
    x = net.embed(clean).detach().numpy().astype(np.float64)
    drawn, scale = np.full(x.shape, 0.5), np.zeros((len(ids), 1, 1))
    for i, own in enumerate(clean.ids.tolist()):
        id, words = int(ids[i]) % 2**64, [t for t, piece in enumerate(own) if piece not in FRAME]
        scale[i] = x[i, words].std()
        for t, d in product(words, range(12)):
            word = reference((d // 8, id % 2**32, id >> 32, t), key)[d % 8 // 2]
            drawn[i, t, d] = ((word >> 16 * (d % 2) & 0xFFFF) + 0.5) / 65536
    for level in (0.1, 0.4):
        found = net.embed(prepared(batch, ids, level)).detach().numpy()
        np.testing.assert_allclose(found, x + level * scale * norm.ppf(drawn), atol=2e-6)
        assert np.abs(found - x).max() > level


@pytest.mark.parametrize("per_example", [1, 2])
def test_noise_does_not_depend_on_batch_order_shard_or_padding(per_example):
    batch, ids = sentences(64, per_example), torch.arange(64) * 7919 + 2**40
    whole = numbers(batch, ids)
    for size in (1, 7, 64):
        parts = (numbers(batch[i : i + size], ids[i : i + size]) for i in range(0, 64, size))
        assert same([x for part in parts for x in part], whole)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(2)).tolist()
    for chosen in (order, range(0, 64, 2), range(1, 64, 2), [63, 5]):
        some = SentenceBatch(tuple(batch.texts[i] for i in chosen))
        assert same(numbers(some, ids[[*chosen]]), [whole[i] for i in chosen])


def test_answers_of_a_network_do_not_depend_on_the_batch():
    net, batch, ids = network({**TINY, "connectivity": "acn"}), sentences(28), torch.arange(28)
    with torch.no_grad():
        whole = net(prepared(batch, ids))
        for size in (1, 7):
            spans = (slice(i, i + size) for i in range(0, 28, size))
            parts = torch.cat([net(prepared(batch[span], ids[span])) for span in spans])
            torch.testing.assert_close(parts, whole, atol=1e-5, rtol=1e-5)
            sliced = torch.cat([net(prepared(batch, ids)[i : i + size]) for i in range(0, 28, 7)])
            assert len(sliced) == 4 * size
        assert not torch.allclose(whole, net(PREPARES[1](batch)), atol=1e-2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_noise_of_the_cpu():
    batch, ids, cuda = sentences(16), torch.arange(16) - 5, torch.device("cuda")
    there = prepared(batch.to(cuda), ids.to(cuda))
    here = prepared(batch, ids)
    assert torch.equal(there.noise(plain(here).to(cuda)).cpu(), here.noise(plain(here)))


def test_levels_scale_the_same_numbers():
    net, batch, ids = network(TINY), sentences(8), torch.arange(8)
    clean = net.embed(PREPARES[1](batch))
    one, two, four = (net.embed(prepared(batch, ids, level)) - clean for level in NOISE.levels)
    torch.testing.assert_close(two, 2 * one, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(four, 4 * one, atol=1e-5, rtol=1e-4)


def test_key_repeat_id_place_and_dimension_decide():
    batch, ids = SentenceBatch((("same same same",),) * 2), torch.arange(2)
    own = numbers(batch, ids)
    for other in (
        numbers(batch, ids + 2),
        numbers(batch, ids, key=NoiseKey(4, 1)),
        numbers(batch, ids, key=NoiseKey(3, 2)),
    ):
        assert not any(torch.equal(a, b) for a, b in zip(own, other, strict=True))
    noise = (own[0] - plain(PREPARES[1](batch))[0])[1:-1]
    assert len(noise.unique()) > 0.99 * noise.numel()


def test_a_wider_network_has_the_same_numbers_and_more():
    tokens = prepared(sentences(4), torch.arange(4))
    narrow, wide = (tokens.noise(plain(tokens, width)) for width in (12, 40))
    assert torch.equal(wide[..., :12], narrow)


def test_what_stands_around_sentences_is_neither_changed_nor_counted():
    net = network(TINY)
    batch = SentenceBatch((("a film", "not b"), ("[SEP] very much longer [PAD]", "c [CLS]")))
    clean = PREPARES[2](batch)
    framed = torch.isin(clean.ids, torch.tensor(FRAME))
    assert framed.sum(1).tolist() == [3 + int((~clean.mask[0]).sum()), 6]
    x, y = net.embed(clean), net.embed(prepared(batch, torch.arange(2)))
    assert torch.equal(x[framed], y[framed])
    assert (x[~framed] != y[~framed]).all()
    tokens = prepared(batch, torch.arange(2))
    loud = torch.where(framed[..., None], 1e3, plain(clean))
    assert torch.equal(tokens.noise(loud)[~framed], tokens.noise(plain(clean))[~framed])


def test_sentences_without_tokens_stay_as_they_are():
    batch = SentenceBatch(((" ",), ("\u0301",), ("a",)))
    tokens, net = prepared(batch, torch.arange(3)), network(TINY)
    clean = net.embed(PREPARES[1](batch))
    assert torch.equal(net.embed(tokens)[:2], clean[:2])
    assert torch.isfinite(net.embed(tokens)).all()
    assert torch.equal(tokens[:1].noise(clean[:1]), clean[:1])


def test_it_is_gaussian_and_in_units_of_the_std():
    net, batch = network({**TINY, "width": 32}), sentences(400)
    tokens = prepared(batch, torch.arange(400), level=0.4)
    with torch.no_grad():
        clean, noisy = net.embed(PREPARES[1](batch)), net.embed(tokens)
    found = []
    for x, y, there in zip(clean, noisy, tokens.noise.words, strict=True):
        if there.any():
            found.append(((y - x)[there] / (0.4 * x[there].std(correction=0))).flatten())
    z = torch.cat(found).double().numpy()
    assert z.size > 400_000
    assert abs(z.mean()) < 4 / z.size**0.5
    assert abs(z.std() - 1) < 4 / (2 * z.size) ** 0.5
    assert kstest(z[:100_000], "norm").pvalue > 1e-3


def test_the_embeddings_are_those_of_transformers(tmp_path):
    model = saved(tmp_path)
    native = read_hugging_face(tmp_path)
    own = build(native.card.arch).eval()
    own.load_state_dict(native.state)
    prepare = PrepareTokens(SentenceSpec(), Vocabulary(PIECES), 20)
    batch = SentenceBatch((("a good film .",), ("badly",)))
    clean = prepare(batch)
    shown = NOISE.corrupt(batch, NOISE.draw(batch.shape, torch.arange(2), KEY), 0.4, Context())
    with torch.no_grad():
        given = {"input_ids": clean.ids, "attention_mask": clean.mask.long()}
        noise = prepare(shown).noise
        model.bert.embeddings.register_forward_hook(lambda module, given, out: noise(out))
        wanted = model(**given).logits
        torch.testing.assert_close(own(prepare(shown)), wanted, atol=1e-5, rtol=1e-5)
        assert not torch.allclose(own(clean), wanted, atol=1e-2)


# First 16 hex digits of SHA-256 over noisy embeddings. A new value is a new NOISE_VERSION.
FROZEN = "262c335a05634e97"


def test_version_1_is_frozen():
    ids = torch.tensor([0, 2**33 + 1, -7])
    found = torch.cat(numbers(sentences(3), ids, key=NoiseKey(17, 0)))
    assert hashlib.sha256(found.numpy().tobytes()).hexdigest()[:16] == FROZEN


def test_digests_tell_draws_apart():
    def digest(ids, key, batch=None):
        batch = batch or sentences(4)
        return noise_digest([NOISE], batch, ids, key=key, context=Context())

    ids = torch.arange(4)
    own = digest(ids, KEY)
    assert own == digest(ids, KEY)
    others = digest(ids + 1, KEY), digest(ids, NoiseKey(4, 1)), digest(ids, KEY, sentences(5)[1:])
    assert own not in others


def test_images_have_no_embeddings_here():
    NOISE.check_spec(SentenceSpec())
    with pytest.raises(ConfigError, match="embedding_gaussian: examples must be sentences; got i"):
        NOISE.check_spec(Geometry(8, 3))


def test_configs():
    table = TypeAdapter(AnyCorruption)
    assert table.validate_json(NOISE.model_dump_json()) == NOISE
    assert table.validate_python({"kind": "embedding_gaussian"}) == NOISE
    assert NOISE.conditions()[0] == {"corruption": "embedding_gaussian", "level": 0.1}
    assert NOISE.inside
    assert not Gaussian().inside
