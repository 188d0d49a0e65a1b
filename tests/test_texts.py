"""A batch of sentences is what the protocol asks of examples that corruptions see."""

from dataclasses import replace

import torch

from acn_eval.texts import SentenceBatch
from acn_eval.tokens import EmbeddingNoise

PAIRS = SentenceBatch((("a cat", "ünï"), ("a", "dog"), ("", "x")))


def test_its_shape_is_examples_sentences_and_the_most_characters():
    assert PAIRS.shape == (3, 2, 5)
    assert PAIRS[1:].shape == (2, 2, 3)
    assert SentenceBatch((("",),)).shape == (1, 1, 1)
    assert SentenceBatch(()).shape == (0, 1, 1)


def test_slice_and_device_keep_the_rest():
    moved = PAIRS.to(torch.device("meta"))
    assert moved.device.type == "meta"
    assert moved[:2].texts == PAIRS.texts[:2]
    assert moved[:2].device.type == "meta"
    assert len(moved[5:]) == 0


def test_other_sentences_have_other_bytes():
    others = [
        SentenceBatch((("ab", "c"),)),
        SentenceBatch((("a", "bc"),)),
        SentenceBatch((("ab",), ("c",))),
        SentenceBatch((("abc",),)),
        SentenceBatch((("äbc",),)),
    ]
    assert len({batch.numpy().tobytes() for batch in others}) == len(others)


def test_noise_stays_with_its_examples_and_is_among_the_bytes():
    noises = [EmbeddingNoise(torch.arange(3)[:, None] + k, torch.add) for k in range(2)]
    one, other = (replace(PAIRS, noise=noise) for noise in noises)
    assert one[1:].noise.draw.tolist() == [[1], [2]]
    assert one.to(torch.device("meta")).noise.draw.device.type == "meta"
    assert len({batch.numpy().tobytes() for batch in (PAIRS, one, other)}) == 3
