"""WordPiece: the pieces of BERT, cut, padded, and trimmed to texts."""

import os
import random
from pathlib import Path

import pytest
import torch

from acn_eval.data.sentences import SentenceSpec
from acn_eval.data.tokens import (
    SPECIAL,
    PrepareTokens,
    Vocabulary,
    read_vocabulary,
    trimmed,
    vocabulary_of,
)
from acn_eval.errors import DataError
from acn_eval.texts import SentenceBatch
from acn_eval.tokens import EmbeddingNoise

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'-éñ猫犬ß"
WORDS = "the cat dog un ##believ ##able play ##ing ##ed is not straße na ##ive"
SMALL = Vocabulary(
    (*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS.split()),
)
STRANGE = [
    "The cats are unbelievable, playing!",
    "Ünïçödé naïve STRASSE Straße ﬁne Å",
    "猫は犬 cat猫dog 中文字",
    "emoji 😀👩‍👩‍👧 ok\U0001f600",
    "tabs\tand\nlines\r\nand\x00nul\x07bell\x7f\u200bzero\ufeff\ufffd",
    "nb\u00a0space\u2028line\u3000wide",
    "[MASK] a [SEP] b [CLS] [PAD] [UNK] [mask] [MASK]s",
    "x" * 100 + " " + "y" * 101 + " " + "a" * 5000,
    "!!!???...,,,'''--- $%&/()=`^~|<>{}[]\\@#",
    "e\u0301 a\u030a o\u0308 \u0e33 İ ı ǅ",
    " ",
    "",
]


def random_texts(n):
    """Strings of any characters, with many that normalizers treat apart."""
    rng = random.Random(7)
    pools = [
        LETTERS,
        " \t\n",
        "ÀéîÖŞžøđ",
        "猫犬字㐀豈",
        "😀👍\u200d\u0301\u00ad",
        "\x00\x1f\x9f\ufffd",
    ]
    kinds = [*pools, LETTERS.upper(), [chr(rng.randrange(32, 0xD7FF)) for _ in range(200)]]
    for _ in range(n):
        pieces = (rng.choice(rng.choice(kinds)) for _ in range(rng.randrange(40)))
        yield "".join(pieces)


def reference(vocabulary):
    from transformers import BertTokenizer

    return BertTokenizer(vocab=dict(vocabulary.numbers))


@pytest.mark.parametrize("per_example", [1, 2])
def test_strange_strings_become_the_tokens_of_transformers(per_example):
    texts = [*STRANGE, *random_texts(300)]
    sides = [texts, texts[::-1]][:per_example]
    prepare = PrepareTokens(SentenceSpec(per_example), SMALL, 64)
    found = prepare(SentenceBatch(tuple(zip(*sides, strict=True))))
    options = {"truncation": True, "max_length": 64, "padding": True, "return_tensors": "pt"}
    expected = reference(SMALL)(*sides, **options)
    assert torch.equal(found.ids, expected["input_ids"])
    assert torch.equal(found.mask, expected["attention_mask"].bool())
    assert torch.equal(found.segments, expected["token_type_ids"])


@pytest.mark.skipif("ACN_EVAL_DATA" not in os.environ, reason="ACN_EVAL_DATA")
def test_all_of_sst2_has_the_tokens_of_transformers():
    folder = Path(os.environ["ACN_EVAL_DATA"], "text")
    if not (folder / "bert-base-uncased-vocab.txt").is_file():
        pytest.skip("ACN_EVAL_DATA has no text")
    lines = (folder / "sst2-dev.tsv").read_text(encoding="utf-8").splitlines()[1:]
    texts = [line.split("\t")[0] for line in lines]
    official = read_vocabulary(folder / "bert-base-uncased-vocab.txt")
    assert len(texts) == 872
    assert len(official) == 30522
    found = PrepareTokens(SentenceSpec(), official, 128)(SentenceBatch(tuple((t,) for t in texts)))
    expected = reference(official)(texts, padding=True, return_tensors="pt")
    assert torch.equal(found.ids, expected["input_ids"])
    assert torch.equal(found.mask.long(), expected["attention_mask"])
    small = trimmed(official, texts)
    assert len(small) < 8000
    plain = [piece.removeprefix("##") for piece in official.pieces if not piece.startswith("[")]
    letters = {letter for piece in plain for letter in piece}
    assert letters | {f"##{letter}" for letter in letters} <= set(small.pieces)
    cut, whole = small.tokenizer(), official.tokenizer()
    assert all(cut.encode(text).tokens == whole.encode(text).tokens for text in texts)


def test_case_is_kept_where_the_vocabulary_has_it():
    cased = Vocabulary((*SPECIAL, "A", "a", "É", "##A"), lowercase=False)
    assert cased.tokenizer().encode("A a É AA é").tokens == [
        *("[CLS]", "A", "a", "É", "A", "##A", "[UNK]", "[SEP]")
    ]


def test_batches_are_padded_to_the_longest_and_cut_to_the_limit():
    prepare = PrepareTokens(SentenceSpec(), SMALL, 6)
    batch = SentenceBatch((("a cat",), ("the cats",), ("the dogs is playing",)))
    tokens = prepare(batch)
    assert tokens.ids.shape == (3, 6)
    assert tokens.mask.sum(1).tolist() == [4, 5, 6]
    assert (tokens.ids[~tokens.mask] == SMALL.numbers["[PAD]"]).all()
    assert (tokens.ids[tokens.mask] != SMALL.numbers["[PAD]"]).all()
    assert prepare.cut(batch) == 1
    assert prepare(batch[:1]).ids.shape == (1, 4)
    assert len(prepare(batch[3:])) == 0


def test_noise_is_for_words_alone():
    """[UNK] and [MASK] stand for words; a [SEP] of the text is one that separates."""
    texts = (("a cat", "\u0e33 [MASK] [SEP]"), ("the dog is", "a"))
    noise = EmbeddingNoise(torch.arange(2)[:, None], torch.add)
    prepare = PrepareTokens(SentenceSpec(2), SMALL, 12)
    tokens = prepare(SentenceBatch(texts, noise=noise))
    assert torch.equal(tokens.ids, prepare(SentenceBatch(texts)).ids)
    assert prepare(SentenceBatch(texts)).noise is None
    assert tokens.noise.draw is noise.draw
    named = [[SMALL.pieces[i] for i in own] for own in tokens.ids]
    framed = {"[CLS]", "[SEP]", "[PAD]"}
    assert tokens.noise.words.tolist() == [[p not in framed for p in own] for own in named]
    assert {"[UNK]", "[MASK]"} <= set(named[0])
    assert named[0].count("[SEP]") == 3


def test_no_padding_and_no_device_is_assumed():
    other = Vocabulary(("[UNK]", "[CLS]", "[MASK]", "[SEP]", "a", "[PAD]"))
    shown = SentenceBatch((("a",), ("a a",)), torch.device("meta"))
    tokens = PrepareTokens(SentenceSpec(), other, 9)(shown)
    assert tokens.device.type == "meta"
    tokens = PrepareTokens(SentenceSpec(), other, 9)(shown.to(torch.device("cpu")))
    assert tokens.ids.tolist() == [[1, 4, 3, 5], [1, 4, 4, 3]]


def test_of_a_pair_the_longer_is_cut_first():
    prepare = PrepareTokens(SentenceSpec(2), SMALL, 8)
    tokens = prepare(SentenceBatch((("a cat", "the dog is not the cat"),)))
    pieces = [SMALL.pieces[i] for i in tokens.ids[0]]
    assert pieces == ["[CLS]", "a", "cat", "[SEP]", "the", "dog", "is", "[SEP]"]
    assert tokens.segments[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_trimmed_vocabularies_keep_the_tokens_of_their_texts():
    texts = [*STRANGE[:6], *random_texts(50), "the cats play"]
    small = trimmed(SMALL, texts)
    assert {"cat", "##s", *LETTERS} <= set(small.pieces)
    assert "dog" not in trimmed(SMALL, ["the cat"]).pieces
    assert [p for p in SMALL.pieces if p in set(small.pieces)] == list(small.pieces)
    ours, theirs = small.tokenizer(), SMALL.tokenizer()
    assert all(ours.encode(t).tokens == theirs.encode(t).tokens for t in texts)


def test_blank_and_facts():
    prepare = PrepareTokens(SentenceSpec(2), SMALL, 12)
    assert prepare.blank(3).ids.shape == (3, 12)
    assert prepare.facts() == {
        **{"sentences": 2, "vocabulary": SMALL.digest, "pieces": len(SMALL)},
        **{"lowercase": True, "tokens": 12},
    }
    assert Vocabulary(SMALL.pieces[::-1]).digest != SMALL.digest


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (SPECIAL[:4], "must include .*; got no \\[MASK\\]"),
        ((*SPECIAL, "a", "a"), "must differ, none empty; got 1 twice, 0 empty"),
        ((*SPECIAL, ""), "must differ, none empty; got 0 twice, 1 empty"),
        ((*SPECIAL, "a" * 101), "must have at most 100 characters; got 101"),
    ],
)
def test_what_is_no_vocabulary_is_refused(tmp_path, pieces, said):
    with pytest.raises(DataError, match=said):
        Vocabulary(pieces)
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=rf"vocab\.txt: must have one piece per line; .*{said}"):
        read_vocabulary(tmp_path / "vocab.txt")


def test_other_pieces_have_another_digest():
    """So a piece of two lines, which only a file with a card can state, is none."""
    with pytest.raises(DataError, match="pieces must have one line; got a line break"):
        Vocabulary((*SPECIAL, "a\nb"))


def test_files_of_vocabularies(tmp_path, monkeypatch):
    file = tmp_path / "vocab.txt"
    with pytest.raises(DataError, match="must be a vocabulary; No such file"):
        read_vocabulary(file)
    file.write_bytes("\r\n".join([*SPECIAL, "é"]).encode())
    assert read_vocabulary(file, lowercase=False) == Vocabulary((*SPECIAL, "é"), lowercase=False)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="in UTF-8; invalid start byte"):
        read_vocabulary(file)
    for strange in (Path("a\0b"), Path("/dev/zero")):
        with pytest.raises(DataError, match="must be a vocabulary; "):
            read_vocabulary(strange)
    monkeypatch.setattr("acn_eval.data.tokens._MOST_BYTES", 10)
    file.write_bytes(b"12345678901")
    with pytest.raises(DataError, match="at most 10 bytes"):
        read_vocabulary(file)


def test_words_that_no_vocabulary_has_are_unknown_without_their_piece():
    own = vocabulary_of(["a " + "b" * 100, "c" * 101])
    assert [len(piece) for piece in own.pieces if len(piece) > 10] == [100]
    assert own.tokenizer().encode("c" * 101).tokens == ["[CLS]", "[UNK]", "[SEP]"]


@pytest.mark.parametrize(("per_example", "least"), [(1, 3), (2, 5)])
def test_room_for_the_sentences(per_example, least):
    PrepareTokens(SentenceSpec(per_example), SMALL, least)
    with pytest.raises(DataError, match=f"at least {least} tokens; got {least - 1}"):
        PrepareTokens(SentenceSpec(per_example), SMALL, least - 1)
