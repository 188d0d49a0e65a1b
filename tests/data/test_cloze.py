"""Cloze: one ordinary token of every sentence is hidden, and putting it back is the sentence."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from acn_eval.data import open_examples
from acn_eval.data.cloze import Cloze
from acn_eval.data.sentences import Sentences, SentenceSpec
from acn_eval.data.tokens import SPECIAL, PrepareTokens, vocabulary_of
from acn_eval.errors import DataError
from acn_eval.texts import SentenceBatch

EXAMPLES = open_examples("synthetic-sentences", "validation").at(np.arange(200))
TEXTS = [EXAMPLES.inputs.texts[i] for i in EXAMPLES.positions]
WORDS = vocabulary_of(text for (text,) in TEXTS)
PLAIN = PrepareTokens(SentenceSpec(), WORDS, 32)
CLOZE = Cloze(PLAIN)


def shown(texts):
    return SentenceBatch(tuple(texts))


def test_the_hidden_pieces_put_back_are_the_sentences():
    hidden, plain, asked = CLOZE(shown(TEXTS)), PLAIN(shown(TEXTS)), CLOZE.questions(EXAMPLES)
    assert (hidden.asked.sum(dim=1) == 1).all()
    assert (hidden.ids[hidden.asked] == WORDS.numbers["[MASK]"]).all()
    whole = hidden.ids.clone()
    whole[hidden.asked] = torch.from_numpy(asked.labels)
    assert torch.equal(whole, plain.ids)
    assert torch.equal(hidden.mask, plain.mask)
    assert not {WORDS.pieces[label] for label in asked.labels} & {*SPECIAL}
    assert asked.classes == WORDS.pieces
    assert np.array_equal(asked.ids, EXAMPLES.ids)


def test_what_is_hidden_depends_on_the_sentence_alone():
    """Not on other sentences, their order, or the padding that they need."""
    together = CLOZE(shown(TEXTS[::-1]))
    for row, text in enumerate(TEXTS[::-1]):
        alone = CLOZE(shown([text]))
        length = alone.ids.shape[1]
        assert torch.equal(alone.ids[0], together.ids[row, :length])
        assert torch.equal(alone.asked[0], together.asked[row, :length])


def test_every_word_is_hidden_as_often():
    """1,000 sentences of 8 words; with probability .999 no count is further from 125."""
    generator, words = np.random.default_rng(5), WORDS.pieces[-20:]
    texts = [(" ".join(generator.choice(words, 8)),) for _ in range(1000)]
    counts = CLOZE(shown(texts)).asked.sum(dim=0)
    assert counts[0] == counts[9] == 0  # [CLS] and [SEP]
    assert ((counts[1:9] - 125).abs() < 43).all()


def test_a_sentence_without_words_of_the_vocabulary_is_left_out():
    examples = replace(EXAMPLES.at(np.arange(3)), inputs=Sentences([("film",), ("☃",), ("plot",)]))
    examples = replace(examples, positions=np.arange(3))
    found = CLOZE.questions(examples)
    assert [WORDS.pieces[label] for label in found.labels] == ["film", "plot"]
    assert np.array_equal(found.ids, EXAMPLES.ids[[0, 2]])
    assert "left out 1 sentences without words of the vocabulary" in found.notes[-2]
    assert not [note for note in CLOZE.questions(EXAMPLES).notes if "left out" in note]
    with pytest.raises(DataError, match="must hold words of the vocabulary; got none"):
        CLOZE.questions(examples.at(np.array([1])))


def test_the_record_says_that_a_token_is_hidden():
    assert CLOZE.facts() == {**PLAIN.facts(), "hidden": 1}
    assert "one token of every sentence is hidden" in CLOZE.questions(EXAMPLES).notes[-1]
    assert len(CLOZE.blank(3)) == 3
