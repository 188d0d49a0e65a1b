"""Philox against Random123's known answers; uniforms keyed by image and element alone."""

import numpy as np
import pytest
import torch

from acn_eval.corruptions.philox import philox4x32, uniform16

KEY = torch.tensor([0x12345678, 0xFEDCBA98])

# The three vectors of philox4x32-10 in Random123's kat_vectors: counter, key, answer.
KNOWN_ANSWERS = [
    (
        "00000000 00000000 00000000 00000000",
        "00000000 00000000",
        "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
    ),
    (
        "ffffffff ffffffff ffffffff ffffffff",
        "ffffffff ffffffff",
        "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ),
    (
        "243f6a88 85a308d3 13198a2e 03707344",
        "a4093822 299f31d0",
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]


def words(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_random123_known_answers(counter, key, answer):
    got = philox4x32(tuple(torch.tensor([w]) for w in words(counter)), torch.tensor(words(key)))
    assert [int(word) for word in got] == words(answer)


def reference(counter, key):
    """Philox4x32-10 once more, in Python's unbounded integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = p1 >> 32 ^ c1 ^ k0, p1 % 2**32, p0 >> 32 ^ c3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3


def test_broadcast_counters_equal_python_integers():
    rng = np.random.default_rng(0)
    rows, columns = (torch.from_numpy(rng.integers(0, 2**32, 9)) for _ in range(2))
    counter = (columns[None], rows[:, None], torch.tensor([[7]]), rows[:, None])
    got = torch.stack(torch.broadcast_tensors(*philox4x32(counter, KEY)), -1)
    for i, row in enumerate(rows.tolist()):
        for j, column in enumerate(columns.tolist()):
            assert tuple(got[i, j].tolist()) == reference((column, row, 7, row), KEY.tolist())


@pytest.mark.parametrize("image", [0, 1, 2**32 + 5, 2**63 - 1, -1, -(2**63)])
def test_layout_of_elements_is_the_documented_one(image):
    got = uniform16(torch.tensor([image]), 19, KEY)[0].tolist()
    for element, value in enumerate(got):
        counter = (element // 8, image % 2**32, image % 2**64 >> 32, 0)
        word = reference(counter, KEY.tolist())[element % 8 // 2]
        assert value == word >> 16 * (element % 2) & 0xFFFF


def test_a_longer_draw_begins_with_the_shorter_one():
    ids = torch.arange(5)
    assert torch.equal(uniform16(ids, 100, KEY)[:, :13], uniform16(ids, 13, KEY))


def test_places_are_the_last_word_of_the_counter():
    ids, places = torch.tensor([7, 7, 2**40]), torch.tensor([0, 3, 8191])
    got = uniform16(ids, 19, KEY, places)
    assert torch.equal(got[0], uniform16(ids, 19, KEY)[0])
    for row, id, place in zip(got.tolist(), ids.tolist(), places.tolist(), strict=True):
        for element, value in enumerate(row):
            counter = (element // 8, id % 2**32, id >> 32, place)
            word = reference(counter, KEY.tolist())[element % 8 // 2]
            assert value == word >> 16 * (element % 2) & 0xFFFF


@pytest.mark.parametrize("places", [None, torch.arange(11) % 3])
def test_working_in_chunks_changes_nothing(monkeypatch, places):
    ids = torch.arange(11) * 1_000_003
    whole = uniform16(ids, 75, KEY, places)
    monkeypatch.setattr("acn_eval.corruptions.philox._CHUNK", 32)
    assert torch.equal(uniform16(ids, 75, KEY, places), whole)


def test_uniform_over_all_65536_values():
    counts = torch.bincount(uniform16(torch.arange(512), 4096, KEY).flatten(), minlength=65536)
    expected = 512 * 4096 / 65536
    chi2 = ((counts - expected) ** 2 / expected).sum().item()
    # Chi-squared with 65,535 degrees of freedom, five standard deviations wide.
    assert abs(chi2 - 65535) < 5 * (2 * 65535) ** 0.5


def test_bits_of_successive_elements_and_ids_are_uncorrelated():
    draw = uniform16(torch.arange(1000), 1000, KEY).double()
    z = (draw - draw.mean()) / draw.std()
    n = 999_000
    for product in (z[:, 1:] * z[:, :-1], z[1:] * z[:-1]):
        assert abs(product.mean().item()) < 5 / n**0.5
