"""Tokens: a batch whose parts stay together."""

import pytest
import torch

from acn_eval.tokens import EmbeddingNoise, Tokens


@pytest.fixture
def tokens():
    ids = torch.arange(12).view(3, 4)
    noise = EmbeddingNoise(ids[:, :2], lambda x, draw, words: x + words * draw.sum(), ids < 9)
    return Tokens(ids, ids != 3, ids % 2, ids > 6, noise)


def parts(tokens):
    noise = tokens.noise
    return [tokens.ids, tokens.mask, tokens.segments, tokens.asked, noise.draw, noise.words]


def test_a_slice_takes_the_same_examples_of_every_part(tokens):
    cut = tokens[1:]
    assert len(cut) == 2
    assert all(torch.equal(a, b[1:]) for a, b in zip(parts(cut), parts(tokens), strict=True))
    assert cut.noise(torch.zeros(2, 4)).tolist() == [[26.0] * 4, [26.0, 0.0, 0.0, 0.0]]


def test_a_device_has_every_part(tokens):
    moved = tokens.to(torch.device("meta"))
    assert moved.device.type == "meta"
    assert {part.device.type for part in parts(moved)} == {"meta"}


def test_blank_tokens_are_no_padding_and_ask_for_all():
    blank = Tokens.blank(2, 5)
    assert blank.ids.shape == blank.segments.shape == (2, 5)
    assert blank.mask.all()
    one = blank[:1].to(torch.device("cpu"))
    assert one.asked is one.noise is None
