"""Sentences implement the protocol of inputs."""

import inspect

import numpy as np
import pytest
import torch

from acn_eval import inputs
from acn_eval.data.sentences import LONGEST, Sentences, SentenceSpec
from acn_eval.data.tokens import PrepareTokens
from acn_eval.errors import DataError
from acn_eval.texts import SentenceBatch
from tests.test_inputs import members

TEXTS = (("a cat",), ("two dogs",), ("é",))


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        (inputs.InputSpec, SentenceSpec),
        (inputs.Inputs, Sentences),
        (inputs.ShownBatch, SentenceBatch),
        (inputs.Prepare, PrepareTokens),
    ],
    ids=lambda value: value.__name__,
)
def test_sentences_implement_the_protocol(protocol, kind):
    for name, method in members(protocol).items():
        expected = list(inspect.signature(method).parameters)
        assert list(inspect.signature(getattr(kind, name)).parameters)[:1] == expected[:1]
        assert len(inspect.signature(getattr(kind, name)).parameters) == len(expected), name


def test_they_are_read_by_position():
    batch = Sentences(TEXTS).read(np.array([2, 0]), SentenceSpec())
    assert batch.texts == (("é",), ("a cat",))
    assert SentenceSpec().upload(batch, torch.device("meta")).device.type == "meta"
    assert SentenceSpec().shape == (1, LONGEST)


def test_a_network_of_pairs_reads_no_single_sentences():
    with pytest.raises(DataError, match="must have 2, as the network reads them; got 1"):
        Sentences(TEXTS).read(np.array([0]), SentenceSpec(2))
    with pytest.raises(DataError, match="must have 1, as the network reads them; got 2"):
        Sentences((("a", "b"),)).read(np.array([0]), SentenceSpec())


def test_hashes_are_of_the_content():
    where = np.arange(3)
    hashes = Sentences(TEXTS).hashes(where)
    assert len(set(hashes.tolist())) == 3
    assert np.array_equal(Sentences(TEXTS[::-1]).hashes(where), hashes[::-1])
    pairs = Sentences((("ab", "c"), ("a", "bc"))).hashes(np.arange(2))
    assert pairs[0] != pairs[1]


def test_a_record_gives_the_spec_back():
    for n in (1, 2):
        assert SentenceSpec.of({**SentenceSpec(n).facts(), "tokens": 9}) == SentenceSpec(n)
    for facts in ({}, {"sentences": 3}, {"sentences": "1"}, {"sentences": [1]}):
        with pytest.raises(DataError, match="must have 1 or 2 sentences; got"):
            SentenceSpec.of(facts)
