"""The embedded digits are scikit-learn's, split once and for all."""

import numpy as np
import pytest

from acn_eval.data import Geometry, open_examples
from acn_eval.data.examples import members

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def splits():
    return {split: open_examples("digits", split) for split in SPLITS}


def test_pixels_and_labels_are_scikit_learns_each_once(splits):
    reference = pytest.importorskip("sklearn.datasets").load_digits()
    ids = np.concatenate([examples.ids for examples in splits.values()])
    assert sorted(ids) == list(range(1797))
    for examples in splits.values():
        pixels = examples.read(np.arange(len(examples)), Geometry(8, 1))[:, 0].numpy()
        wanted = np.floor(reference.images[examples.ids] * 255 / 16 + 0.5)
        assert np.array_equal(pixels, wanted)
        assert np.array_equal(examples.labels, reference.target[examples.ids])
        assert examples.classes == tuple("0123456789")


def test_the_splits_have_their_shares(splits):
    assert {split: len(splits[split]) for split in SPLITS} == {
        "train": 1094,
        "validation": 351,
        "test": 352,
    }


def test_no_picture_of_test_is_in_train(splits):
    assert not np.isin(splits["test"].hashes, splits["train"].hashes).any()


@pytest.mark.parametrize("gone", [0, 5, 1796])
def test_an_example_keeps_its_split_when_others_go(gone):
    ids = np.arange(1797)
    rest = np.delete(ids, gone)
    for split in SPLITS:
        all_of_it = ids[members(ids, "digits", split, validation=0.2, test=0.2)]
        left = rest[members(rest, "digits", split, validation=0.2, test=0.2)]
        assert set(left) == set(all_of_it) - {gone}


def test_members_are_a_partition_in_any_order_and_of_the_stated_shares():
    ids = np.random.default_rng(0).permutation(20_000)
    parts = [ids[members(ids, "name", split, validation=0.1, test=0.25)] for split in SPLITS]
    assert sorted(np.concatenate(parts)) == list(range(20_000))
    assert [len(part) / 20_000 for part in parts] == pytest.approx([0.65, 0.1, 0.25], abs=0.01)
    other = ids[members(ids, "other name", "test", validation=0.1, test=0.25)]
    assert np.isin(other, parts[2]).mean() == pytest.approx(0.25, abs=0.02)
    alone = members(ids[:1], "name", "test", validation=0.0, test=1.0)
    assert len(alone) == 1
