"""Examples: orders, parts and fingerprints."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acn_eval.data import Examples, Geometry
from acn_eval.data.images import ArrayImages
from acn_eval.errors import DataError


def examples(n=12, *, name="toy", split="test", seed=0, **changes):
    rng = np.random.default_rng(seed)
    fields = {
        "ids": np.arange(n) * 7 + 3,
        "labels": rng.integers(0, 3, n),
        "classes": ("ant", "bee", "cat"),
        "inputs": ArrayImages(rng.integers(0, 256, (n, 4, 4, 1), dtype=np.uint8)),
        "positions": np.arange(n),
    }
    return Examples(name=name, split=split, **{**fields, **changes})


def pixels(part):
    return part.read(np.arange(len(part)), Geometry(4, 1)).numpy()


@given(seed=st.integers(0, 2**32 - 1), limit=st.integers(0, 15))
def test_the_keyed_order_ignores_the_order_of_the_input_and_is_cut_at_the_limit(seed, limit):
    whole = examples()
    shuffled = whole.at(np.random.default_rng(seed).permutation(len(whole)))
    wanted, got = whole.keyed(), shuffled.keyed(limit)
    assert got.ids.tolist() == wanted.ids[:limit].tolist()
    assert got.labels.tolist() == wanted.labels[:limit].tolist()
    assert np.array_equal(pixels(got), pixels(wanted)[:limit]) or limit == 0


def test_the_keyed_order_is_an_order_of_all_and_none_of_the_obvious_ones():
    whole = examples(100)
    order = whole.keyed().ids
    assert sorted(order) == sorted(whole.ids)
    assert order.tolist() != whole.ids.tolist()
    assert order.tolist() != replace(whole, split="train").keyed().ids.tolist()
    assert order.tolist() != replace(whole, name="other").keyed().ids.tolist()


def test_a_subset_keeps_the_order_of_the_whole():
    whole = examples(50)
    part = whole.at(np.arange(0, 50, 3))
    kept = [i for i in whole.keyed().ids if i in set(part.ids)]
    assert part.keyed().ids.tolist() == kept


def test_the_same_data_in_another_place_have_the_same_order():
    here, there = examples(50, name="npz:toys/set"), examples(50, name="npz:/elsewhere/set")
    assert here.keyed().ids.tolist() == there.keyed().ids.tolist()
    other = examples(50, name="npz:/elsewhere/other")
    assert here.keyed().ids.tolist() != other.keyed().ids.tolist()


@pytest.mark.parametrize(
    ("classes", "first"),
    [
        (("bee", "cat", "ant"), "ant against bee"),
        (("ant", "bee", "cow"), "cat against cow"),
        (("ant", "bee"), "cat against nothing"),
    ],
)
def test_a_label_is_a_position_in_the_list_of_its_own_split(classes, first):
    train = examples(split="train")
    other = examples(labels=np.zeros(12, np.int64), classes=classes)
    with pytest.raises(DataError, match=f"train must have the classes of test.*first {first}"):
        train.labeled_as(other)
    assert train.labeled_as(examples(4)) is train


def test_only_some_classes_with_labels_that_index_into_them():
    whole = examples(40)
    part = whole.only(("cat", "ant"))
    assert part.classes == ("cat", "ant")
    names = dict(zip(whole.ids.tolist(), whole.labels.tolist(), strict=True))
    assert len(part) == sum(label != 1 for label in names.values()) < 40
    for i, label in zip(part.ids.tolist(), part.labels.tolist(), strict=True):
        assert part.classes[label] == whole.classes[names[i]]
    where = np.flatnonzero(np.isin(whole.ids, part.ids))
    assert np.array_equal(pixels(part), pixels(whole)[where])


@pytest.mark.parametrize("classes", [("cow",), ("ant", "cow"), ("ant", "ant")])
def test_classes_that_are_not_there_or_named_twice(classes):
    with pytest.raises(DataError) as caught:
        examples().only(classes)
    assert classes[-1] in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_fingerprint_ignores_order_name_and_split():
    whole = examples()
    order = np.random.default_rng(1).permutation(len(whole))
    assert whole.at(order).fingerprint == whole.fingerprint
    assert whole.keyed().fingerprint == whole.fingerprint
    assert replace(whole, name="other", split="train").fingerprint == whole.fingerprint
    assert len(whole.fingerprint) == 16


def test_of_many_unknown_classes_the_first_are_named():
    """E.g. the pieces of a vocabulary, which are the classes of hidden tokens."""
    with pytest.raises(DataError, match=r"among ant, bee, cat; got piece 0, .*, piece 19$"):
        examples().only([f"piece {i}" for i in range(30_000)])


def test_the_fingerprint_sees_every_pixel_label_id_class_and_example():
    whole = examples()
    images = whole.inputs.images.copy()
    images[5, 3, 2, 0] ^= 1
    labels, ids = whole.labels.copy(), whole.ids.copy()
    labels[4] = (labels[4] + 1) % 3
    ids[4] += 1
    swapped = np.arange(12)
    swapped[:2] = [1, 0]
    others = [
        replace(whole, inputs=ArrayImages(images)),
        replace(whole, labels=labels),
        replace(whole, ids=ids),
        replace(whole, classes=("ant", "bee", "cow")),
        replace(whole, positions=swapped),
        whole.at(np.arange(11)),
    ]
    prints = {other.fingerprint for other in others}
    assert len(prints | {whole.fingerprint}) == len(others) + 1


def test_its_record():
    whole = examples()
    assert whole.id.n == len(whole) == 12
    assert (whole.id.name, whole.id.split) == ("toy", "test")
    assert whole.id.fingerprint == whole.fingerprint
    assert whole.inputs.shape() == (1, 4, 4)


def test_numbers_are_compared_with_and_decide_the_fingerprint():
    plain, targets = examples(), np.linspace(0, 5, 12, dtype=np.float32)
    own = replace(plain, labels=0 * plain.labels, classes=("score",), targets=targets)
    assert plain.answers is plain.labels
    assert own.answers is targets
    assert own.at(np.array([3, 1])).answers.tolist() == targets[[3, 1]].tolist()
    other = replace(own, targets=targets + (targets == 5))
    assert other.fingerprint != own.fingerprint
    assert other.digest != own.digest
    assert own.fingerprint == own.at(np.arange(12)[::-1]).fingerprint
    assert plain.classified() is plain
    with pytest.raises(DataError, match="examples must have classes here; these have numbers"):
        own.classified()
