"""The embedded text task: no words alone tell its classes, and no split knows another."""

import re

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from acn_eval.data import open_examples
from acn_eval.data.sentences import SentenceSpec

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def splits():
    return {split: open_examples("synthetic-sentences", split) for split in SPLITS}


def texts_of(examples):
    batch = examples.read(np.arange(len(examples)), SentenceSpec())
    return [text for (text,) in batch.texts]


def test_sizes_and_classes(splits):
    sizes = {split: len(examples) for split, examples in splits.items()}
    assert sizes == {"train": 3984, "validation": 525, "test": 1015}
    for examples in splits.values():
        assert 0.45 < examples.labels.mean() < 0.55
        assert examples.classes == ("negative", "positive")
        assert "generated" in examples.notes[0]
    words = [len(text.split()) for part in splits.values() for text in texts_of(part)]
    assert min(words) >= 5
    assert max(words) <= 14


def test_no_sentence_is_twice_in_any_split(splits):
    texts = [text for examples in splits.values() for text in texts_of(examples)]
    assert len(set(texts)) == len(texts)
    ids = np.concatenate([examples.ids for examples in splits.values()])
    assert len(np.unique(ids)) == len(ids)


def test_a_reader_of_the_rules_gets_all_right(splits):
    """Independent of how they are made: find the main clause, its quality and its negation."""
    good = {"good", "great", "funny", "clever", "strong", "lovely"}
    for examples in splits.values():
        for text, label in zip(texts_of(examples), examples.labels, strict=True):
            main = re.sub(r"^although .* , |^.* but | although .*$", "", text).split()
            assert label == ((main[-1] in good) ^ bool({"not", "never"} & set(main)))


@pytest.mark.parametrize("words", [1, 2, 3])
def test_words_and_short_phrases_do_not_suffice(splits, words):
    table = CountVectorizer(ngram_range=(1, words), token_pattern=r"\S+")
    counts = table.fit_transform(texts_of(splits["train"]))
    fitted = LogisticRegression(max_iter=2000).fit(counts, splits["train"].labels)
    test = splits["test"]
    accuracy = fitted.score(table.transform(texts_of(test)), test.labels)
    assert accuracy < (0.9 if words > 1 else 0.6)


def test_they_are_the_same_everywhere(splits):
    assert splits["test"].fingerprint == "b0a01f3a8667d6f0"
    assert (
        texts_of(splits["test"])[0]
        == "the music is never really strong although the ending feels quite weak"
    )
