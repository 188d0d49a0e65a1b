"""Corruptions of sentences keep the contract of noise, and do what their names say."""

import hashlib
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from acn_eval.corruptions import SHIPPED, AnyCorruption, Context, Gaussian, NoiseKey, noise_digest
from acn_eval.corruptions.philox import uniform16
from acn_eval.corruptions.text import (
    DeleteCharacters,
    DropWords,
    InsertLetters,
    Keyboard,
    MaskWords,
    SwapCharacters,
    TextCorruption,
)
from acn_eval.data import Geometry
from acn_eval.data.sentences import SentenceSpec
from acn_eval.errors import ConfigError
from acn_eval.texts import SentenceBatch

MEMBERS = [member for member in SHIPPED if issubclass(member, TextCorruption)]
KEY = NoiseKey(seed=3, repeat=1)
WORDS = ("The", "film", "is", "NOT", "a", "good", "one", ",", "it", "'s", "dull", "!")
WORDS += ("Ünïçödé", "猫犬", "x2", "naïve", "I", "[SEP]", "longer-words", "-")
STRONG = (0.01, 0.05, 0.1, 0.4, 1.0)


def sentences(n, per_example=1):
    rng = np.random.default_rng(5)
    lengths = rng.integers(1, 25, (n, per_example))
    texts = (tuple(" ".join(rng.choice(WORDS, m)) for m in row) for row in lengths)
    return SentenceBatch(tuple(texts))


def corrupted(corruption, batch, ids, key=KEY):
    """The sentences (n, ...) of every level."""
    draw = corruption.draw(batch.shape, ids, key)
    levels = corruption.levels
    return [corruption.corrupt(batch, draw, level, Context()).texts for level in levels]


@pytest.fixture(params=MEMBERS, ids=lambda member: member.__name__)
def corruption(request):
    return request.param()


def test_all_six_ship():
    expected = {Keyboard, SwapCharacters, DeleteCharacters, InsertLetters, DropWords, MaskWords}
    assert set(MEMBERS) == expected


@pytest.mark.parametrize("per_example", [1, 2])
def test_text_does_not_depend_on_batch_order_or_shard(corruption, per_example):
    batch, ids = sentences(64, per_example), torch.arange(64) * 7919 + 2**40
    whole = corrupted(corruption, batch, ids)
    for size in (1, 7, 64):
        parts = [
            corrupted(corruption, batch[i : i + size], ids[i : i + size])
            for i in range(0, 64, size)
        ]
        for level, expected in enumerate(whole):
            assert tuple(text for part in parts for text in part[level]) == expected
    order = torch.randperm(64, generator=torch.Generator().manual_seed(2)).tolist()
    for chosen in (order, range(0, 64, 2), range(1, 64, 2), [63, 5]):
        some = SentenceBatch(tuple(batch.texts[i] for i in chosen))
        for got, expected in zip(corrupted(corruption, some, ids[[*chosen]]), whole, strict=True):
            assert got == tuple(expected[i] for i in chosen)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_text_of_the_cpu(corruption):
    batch, ids = sentences(16), torch.arange(16) - 5
    assert corrupted(corruption, batch, ids.cuda()) == corrupted(corruption, batch, ids)


def test_key_repeat_and_id_decide_and_the_second_sentence_has_numbers_of_its_own(corruption):
    batch, ids = sentences(32), torch.arange(32)
    own = corrupted(corruption, batch, ids)
    for other in (
        corrupted(corruption, batch, ids + 32),
        corrupted(corruption, batch, ids, NoiseKey(4, 1)),
        corrupted(corruption, batch, ids, NoiseKey(3, 2)),
    ):
        assert other[-1] != own[-1]
    twice = SentenceBatch(tuple(texts * 2 for texts in batch.texts))
    assert any(first != second for first, second in corrupted(corruption, twice, ids)[-1])


def test_numbers_are_those_of_the_definition(corruption):
    ids = torch.tensor([5, -1, 2**62])
    draw = corruption.draw((3, 2, 9), ids, KEY)
    flat = uniform16(ids, 1000, KEY.words(corruption.kind))
    for i, e, k, b in np.ndindex(3, 9, 2, 2):
        assert draw[i, e, k, b] == flat[i, (e * 2 + k) * 2 + b]


# First 16 hex digits of SHA-256 over the sentences. A new value here is a new NOISE_VERSION.
FROZEN = {
    "keyboard": "8478b352abdf1bb4",
    "swap": "b8682deda618ff20",
    "delete": "5e24e67ccc2aac7d",
    "insert": "b8b95691b9be1d82",
    "drop_words": "979da845874da48b",
    "mask_words": "15eb437fb1ba0bac",
}


def test_version_1_is_frozen(corruption):
    texts = corrupted(corruption, sentences(8, 2), torch.arange(8) + 2**33, NoiseKey(17, 0))
    digest = hashlib.sha256(repr(texts).encode()).hexdigest()[:16]
    assert digest == FROZEN[corruption.kind]


ANSWERS = {
    "keyboard": "If is MKT a charming znf often affecting joudney .",
    "swap": "It is NOT a charming and ofetn affcetign joureny .",
    "delete": "I is NOT a rig n often affcting orney .",
    "insert": "It ias NMOT a chlarmitng and oftken atffoectitndgi joueriney .",
    "drop_words": "NOT often journey ",
    "mask_words": "[MASK] [MASK] [MASK] [MASK] [MASK] [MASK] [MASK] [MASK] [MASK] [MASK]",
}


def test_known_answers(corruption):
    batch = SentenceBatch((("It is NOT a charming and often affecting journey .",),))
    draw = corruption.draw(batch.shape, torch.tensor([7]), NoiseKey(0))
    found = corruption.corrupt(batch, draw, 2 * corruption.levels[-1], Context())
    assert found.texts == ((ANSWERS[corruption.kind],),)


def test_a_higher_level_changes_more(corruption):
    batch = sentences(300)
    hit = [
        sum(got != clean for got, clean in zip(level, batch.texts, strict=True))
        for level in corrupted(corruption, batch, torch.arange(300))
    ]
    assert 0 < hit[0] < hit[1] < hit[2]


# What a level changes, every larger one changes alike: read off without the corruption's code.


def levels_of(kind, batch):
    return corrupted(kind(levels=STRONG), batch, torch.arange(len(batch)))


@pytest.mark.parametrize("kind", [Keyboard, SwapCharacters])
def test_replaced_characters_stay_replaced(kind):
    batch = sentences(64)
    for small, large in pairwise(levels_of(kind, batch)):
        for (clean,), (less,), (more,) in zip(batch.texts, small, large, strict=True):
            assert len(clean) == len(less) == len(more)
            for a, b, c in zip(clean, less, more, strict=True):
                assert b in {a, c}


def removed_in_order(rest, whole):
    """Whether `rest` is `whole` with some elements left out."""
    left = iter(whole)
    return all(element in left for element in rest)


def test_what_is_left_out_stays_left_out():
    batch = sentences(64)
    for split, kind in ((str.split, DropWords), (list, DeleteCharacters)):
        for small, large in pairwise([batch.texts, *levels_of(kind, batch)]):
            for (less,), (more,) in zip(small, large, strict=True):
                assert removed_in_order(split(more), split(less))


def test_what_is_inserted_or_masked_stays():
    batch = sentences(64)
    for small, large in pairwise([batch.texts, *levels_of(InsertLetters, batch)]):
        assert all(removed_in_order(a, b) for (a,), (b,) in zip(small, large, strict=True))
    for small, large in pairwise(levels_of(MaskWords, batch)):
        for (clean,), (less,), (more,) in zip(batch.texts, small, large, strict=True):
            for a, b, c in zip(clean.split(), less.split(), more.split(), strict=True):
                assert c == "[MASK]" or b == c == a


# What each of them does.


SHARES = {
    Keyboard: lambda clean, got: np.mean([a != b for a, b in zip(clean, got, strict=True)]),
    DeleteCharacters: lambda clean, got: 1 - len(got) / len(clean),
    InsertLetters: lambda clean, got: len(got) / len(clean) - 1,
    DropWords: lambda clean, got: 1 - got.count("y") / clean.count("y"),
    MaskWords: lambda clean, got: got.count("[MASK]") / clean.count("y"),
}
LONG = SentenceBatch(((" ".join(["very"] * 1000),),) * 8)


@pytest.mark.parametrize("kind", SHARES, ids=lambda kind: kind.__name__)
def test_shares_are_the_levels(kind):
    corruption, n = kind(levels=(0.05, 0.3)), 8 * (1000 if "Words" in kind.__name__ else 4000)
    texts = corrupted(corruption, LONG, torch.arange(8))
    for level, found in zip(corruption.levels, texts, strict=True):
        pairs = zip(LONG.texts, found, strict=True)
        shares = [SHARES[kind](letters(clean), letters(got)) for (clean,), (got,) in pairs]
        assert np.mean(shares) == pytest.approx(level, abs=5 * (level / n) ** 0.5)


def letters(text):
    return text.replace(" ", "")


def test_swaps_keep_the_characters_of_every_word_and_are_nearly_the_level():
    for level, texts in zip(STRONG, levels_of(SwapCharacters, LONG), strict=True):
        moved = 0
        for (clean,), (got,) in zip(LONG.texts, texts, strict=True):
            for a, b in zip(clean.split(), got.split(), strict=True):
                assert sorted(a) == sorted(b)
                assert all(x in b[max(0, i - 1) : i + 2] for i, x in enumerate(a))
                moved += sum(x != y for x, y in zip(a, b, strict=True)) / 2
        share = moved / (8 * len(letters(LONG.texts[0][0])))
        assert 0.5 * min(level, 0.5) < share < level


def test_neighbors_are_those_of_an_american_keyboard():
    keys = "qwertyuiop asdfghjkl zxcvbnm"
    text = SentenceBatch(((keys + keys.upper(),),) * 400)
    near = {key: set() for key in keys + keys.upper()}
    for ((got,),) in zip(
        corrupted(Keyboard(levels=(1.0,)), text, torch.arange(400))[0], strict=True
    ):
        for key, found in zip(text.texts[0][0], got, strict=True):
            near[key].add(found)
    assert near[" "] == {" "}
    assert near["g"] == set("ftyhbv")
    assert near["G"] == set("FTYHBV")
    assert near["q"] == set("wa")
    assert near["p"] == set("ol")
    assert near["z"] == set("asx")
    assert near["m"] == set("njk")
    for key in keys.replace(" ", ""):
        assert key not in near[key]
        assert all(key in near[other] for other in near[key])


def test_other_letters_digits_and_signs_are_on_no_key():
    odd = SentenceBatch((("Ü 猫 7 ... ñ \u0301 İ",),))
    assert corrupted(Keyboard(levels=(1.0,)), odd, torch.tensor([0]))[0] == odd.texts


@pytest.mark.parametrize("text", ["a", "word", "two words", " x ", "😀", "a  b\tc", " ", ""])
def test_no_level_empties_a_sentence(corruption, text):
    everything = type(corruption)(levels=(0.5, 1.0))
    batch = SentenceBatch(((text,),) * 20)
    for level in corrupted(everything, batch, torch.arange(20)):
        assert all(bool(got.strip()) == bool(text.strip()) for (got,) in level)


def test_all_but_one_are_left_out_at_most():
    batch = SentenceBatch((("one two three",),) * 50)
    (words,) = corrupted(DropWords(levels=(1.0,)), batch, torch.arange(50))
    assert {text.strip() for (text,) in words} == {"one", "two", "three"}
    (characters,) = corrupted(DeleteCharacters(levels=(1.0,)), batch, torch.arange(50))
    assert {len(text.strip()) for (text,) in characters} == {1}


def test_white_space_and_what_is_not_hit_stay():
    spaced = SentenceBatch(((" a\tb  cd\u00a0e ",),) * 60)
    for kind in (Keyboard, SwapCharacters, InsertLetters, MaskWords):
        for (got,) in corrupted(kind(levels=(0.5,)), spaced, torch.arange(60))[0]:
            assert re.findall(r"\s+", got) == [" ", "\t", "  ", "\u00a0", " "]


def test_everything_masked_is_masked():
    (masked,) = corrupted(
        MaskWords(levels=(1.0,)), SentenceBatch((("a b, c",),)), torch.tensor([1])
    )
    assert masked == (("[MASK] [MASK] [MASK]",),)


def test_digests_tell_sentences_apart(corruption):
    batch, ids, context = sentences(8), torch.arange(8), Context()
    own = noise_digest([corruption], batch, ids, key=KEY, context=context)
    again = noise_digest([corruption], batch, ids, key=KEY, context=context)
    assert own == again
    assert own != noise_digest([corruption], batch, ids, key=NoiseKey(3, 2), context=context)
    assert own != noise_digest([corruption], sentences(9)[1:], ids, key=KEY, context=context)


def test_images_and_sentences_do_not_mix(corruption):
    corruption.check_spec(SentenceSpec())
    with pytest.raises(ConfigError, match="examples must be sentences; got images"):
        corruption.check_spec(Geometry(8, 3))
    with pytest.raises(ConfigError, match="examples must be images; got sentences"):
        Gaussian().check_spec(SentenceSpec())


def test_configs(corruption):
    table = TypeAdapter(AnyCorruption)
    assert table.validate_json(corruption.model_dump_json()) == corruption
    assert table.validate_python({"kind": corruption.kind}) == corruption
    for levels in ([0.2, 0.1], [1.5], [0], []):
        with pytest.raises(ValidationError):
            table.validate_python({"kind": corruption.kind, "levels": levels})
