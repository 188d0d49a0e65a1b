"""A batch of sentences is what the protocol asks of examples that corruptions see."""

import torch

from acn_eval.texts import SentenceBatch

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
