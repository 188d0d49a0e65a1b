"""Masked tokens are those of an independent reference; packing neither loses nor repeats."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from acn_eval.data import open_examples
from acn_eval.data.plain_text import joined
from acn_eval.data.sentences import SentenceSpec
from acn_eval.data.tokens import SPECIAL, PrepareTokens, vocabulary_of
from acn_eval.errors import DataError
from acn_eval.models import build, initialize
from acn_eval.seeds import seed_for
from acn_eval.training.masked import Corpus, MaskedTokens, packed
from tests.corruptions.test_philox import reference
from tests.tiny import CPU
from tests.training import texts

WORDS = [f"w{i}" for i in range(40)]


def sentences(rows):
    """Rows of words as examples whose ids are large and out of order."""
    made = joined("own", [open_examples("synthetic-sentences", "train").at(np.arange(len(rows)))])
    inputs = type(made.inputs)([(" ".join(row),) for row in rows])
    ids = 2**40 + 7 * np.arange(len(rows))[::-1].astype(np.int64)
    return type(made)("own", "train", ids, made.labels, made.classes, inputs, made.positions)


def prepare(longest):
    return PrepareTokens(SentenceSpec(), vocabulary_of(WORDS), longest)


def drawn(rng, n, most):
    return [list(rng.choice(WORDS, rng.integers(1, most))) for _ in range(n)]


@pytest.fixture(scope="module")
def rows():
    return drawn(np.random.default_rng(5), 60, 30)


def task(rows, longest=16, size=4, seed=3):
    return MaskedTokens(sentences(rows), prepare(longest), size, seed)


def by_hand(example, place, epoch, piece, seed, vocabulary):
    """Return (asked, shown) of one token, in Python's integers."""
    key = seed_for("masked", seed)
    counter = (place, example % 2**32, example >> 32, epoch)
    first, second, third, _ = reference(counter, (key % 2**32, key >> 32))
    ordinary = [i for i, own in enumerate(vocabulary.pieces) if own not in SPECIAL]
    if piece not in ordinary or first >= int(0.15 * 2**32):
        return False, piece
    if second < int(0.8 * 2**32):
        return True, vocabulary.numbers["[MASK]"]
    if second < int(0.9 * 2**32):
        return True, ordinary[third * len(ordinary) >> 32]
    return True, piece


def test_every_token_is_masked_as_by_hand(rows):
    """[UNK] stands among the words; sequences without an asked token are left to the next test."""
    epoch, rows = 3, [[*row, "☃"] for row in rows]
    corpus = Corpus.of(sentences(rows), own := prepare(400))
    sequences = [(epoch, parts) for parts in corpus.packed(3, epoch)]
    batch = corpus.batch(sequences, 3)
    words, numbers, found = own.vocabulary, own.vocabulary.numbers, 0
    row_of = {int(example): row for row, example in zip(rows, sentences(rows).ids, strict=True)}
    kinds = {"mask": 0, "kept": 0, "other": 0}
    for row, (_, parts) in enumerate(sequences):
        at = 1
        for part in parts:
            example = int(corpus.examples[corpus.begins[part]])
            for place, word in enumerate(row_of[example]):
                piece = numbers.get(word, numbers["[UNK]"])
                asked, shown = by_hand(example, place, epoch, piece, 3, words)
                assert bool(batch.inputs.asked[row, at]) == asked
                assert int(batch.inputs.ids[row, at]) == shown
                if asked:
                    assert int(batch.targets[found]) == piece
                    found += 1
                    is_mask = shown == numbers["[MASK]"]
                    kinds["mask" if is_mask else "kept" if shown == piece else "other"] += 1
                at += 1
            assert int(batch.inputs.ids[row, at]) == numbers["[SEP]"]
            assert not batch.inputs.asked[row, at]
            at += 1
    assert found == len(batch.targets) > 100
    assert min(kinds.values()) > 0
    assert kinds["mask"] / found == pytest.approx(0.8, abs=0.15)


def test_what_is_asked_depends_on_no_batch(rows):
    """Four sequences at once, or one after another, or eight: the same tokens."""

    def seen(size):
        own = task(rows, size=size)
        batches = [own.batch(step, CPU) for step in range(24 // size)]
        return [
            (ids[mask].tolist(), asked[mask].tolist())
            for b in batches
            for ids, mask, asked in zip(b.inputs.ids, b.inputs.mask, b.inputs.asked, strict=True)
        ]

    assert seen(1) == seen(4) == seen(8)


def test_a_sequence_without_an_asked_token_is_asked_the_one_with_the_smallest_draw():
    corpus = Corpus.of(sentences([["w1", "w2"]] * 50), own := prepare(4))  # a sentence each
    batch = corpus.batch([(0, parts) for parts in corpus.packed(3, 0)], 3)
    asked = batch.inputs.asked
    assert (asked.sum(1) >= 1).all()
    assert (asked.sum(1) == 1).sum() > 40
    piece = own.vocabulary.numbers["w1"]
    plain = [
        by_hand(int(example), place, 0, piece, 3, own.vocabulary)[0]
        for place in range(2)
        for example in corpus.examples[corpus.begins[:-1]]
    ]
    assert asked.sum() > sum(plain)  # some had none
    assert not asked[:, 0].any()
    assert not asked[:, 3].any()


@pytest.mark.parametrize("longest", [8, 16, 64])
def test_an_epoch_has_every_part_once_in_full_sequences(rows, longest):
    corpus = Corpus.of(sentences(rows), prepare(longest))
    for epoch in (0, 1):
        sequences = corpus.packed(3, epoch)
        assert sorted(np.concatenate(sequences)) == list(range(corpus.parts))
        lengths = [1 + sum(np.diff(corpus.begins)[own] + 1) for own in sequences]
        assert max(lengths) <= longest
        following = [1 + np.diff(corpus.begins)[own[0]] for own in sequences[1:]]
        pairs = zip(lengths, following, strict=False)
        assert all(length + more > longest for length, more in pairs)  # the next does not fit
    one, other = (np.concatenate(corpus.packed(3, epoch)) for epoch in (0, 1))
    assert not np.array_equal(one, other)


def test_parts_of_long_sentences_keep_their_tokens_and_places(rows):
    corpus, numbers = Corpus.of(sentences(rows), own := prepare(8)), prepare(8).vocabulary.numbers
    whole = [numbers[word] for row in rows for word in row]
    assert corpus.pieces[:-3].tolist() == whole
    assert np.diff(corpus.begins).max() == own.longest - 2
    places = [place for row in rows for place in range(len(row))]
    assert corpus.places[:-3].tolist() == places


def test_greedy_packing_by_example():
    parts = packed(np.array([3, 3, 5, 1]), np.array([0, 1, 2, 3]), 9)
    assert [own.tolist() for own in parts] == [[0, 1], [2, 3]]


def test_epochs_follow_each_other(rows):
    own = task(rows, longest=64, size=5)
    sizes = [len(own._corpus.packed(3, epoch)) for epoch in range(3)]
    sequences = [s for step in range(sum(sizes) // 5) for s in own._sequences(step)]
    expected = [(e, parts) for e in range(3) for parts in own._corpus.packed(3, e)]
    for (one, parts), (other, wanted) in zip(sequences, expected, strict=False):
        assert one == other
        assert np.array_equal(parts, wanted)


@pytest.mark.parametrize("other", ["☃", "[CLS]"])
def test_nothing_but_special_pieces_is_refused(other):
    """Nothing would be asked, and the loss of no answers is no number."""
    with pytest.raises(DataError, match="own: must hold words of the vocabulary; got none"):
        task([["☃"], ["☃", other]]).batch(0, CPU)
    assert len(task([["☃", other], ["w1"]]).batch(0, CPU).targets) == 4


def test_the_score_is_that_of_the_masked_tokens_alone(rows):
    plan = texts.masked(arch={"vocabulary": len(prepare(16).vocabulary)})
    network = initialize(build(plan.arch), 1).eval()
    own = task(rows)
    score = own.score(network, sentences(rows[:40]), CPU)
    corpus = Corpus.of(sentences(rows[:40]), prepare(16))
    right = n = loss = 0
    for parts in corpus.packed(0, 0):  # one sequence at a time, all logits
        batch = corpus.batch([(0, parts)], 0)
        plain = type(batch.inputs)(batch.inputs.ids, batch.inputs.mask, batch.inputs.segments)
        with torch.no_grad():
            logits = network(plain)[batch.inputs.asked]
        right += int((logits.argmax(1) == batch.targets).sum())
        loss += float(cross_entropy(logits, batch.targets, reduction="sum"))
        n += len(batch.targets)
    assert score.n == n
    assert score.accuracy == right / n
    assert score.loss == pytest.approx(loss / n, rel=1e-5)
    assert own.score(network, sentences(rows[:0]), CPU) == (0.0, 0, 0.0)
