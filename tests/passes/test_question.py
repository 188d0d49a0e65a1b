"""How classes of the data and of the model correspond."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

from acn_eval.errors import DataError
from acn_eval.passes import ClassMap, class_map

ANIMALS = ("cat", "dog", "fox")


def outcome(columns, logits, *, restricted=False):
    predicted, confidence, _ = ClassMap(columns, restricted).decide(torch.tensor(logits))
    return predicted.tolist(), confidence.tolist()


def test_by_name_whatever_the_order():
    assert class_map(ANIMALS, ("fox", "cat")).columns == (2, 0)


def test_by_position_where_the_model_only_numbers():
    assert class_map(("0", "1", "2"), ANIMALS).columns == (0, 1, 2)


def test_numbers_that_are_names_stay_names():
    assert class_map(tuple("01234"), tuple("34")).columns == (3, 4)


def test_by_a_mapping():
    found = class_map(
        ("feline", "canine", "fox"), ANIMALS, names={"cat": "feline", "dog": "canine"}
    )
    assert found.columns == (0, 1, 2)


def test_a_mapping_of_numbers():
    found = class_map(("0", "1", "2"), ("a", "b", "c"), names={"a": "2", "b": "1", "c": "0"})
    assert found.columns == (2, 1, 0)


def test_two_classes_of_the_data_cannot_be_one_of_the_model():
    """One of them would be wrong on every image."""
    names = {"cat": "pet", "dog": "pet", "fox": "wild"}
    with pytest.raises(DataError, match="must be different classes of the model"):
        class_map(("pet", "wild"), ANIMALS, names=names)


@pytest.mark.parametrize(
    ("model", "data", "shown"),
    [
        (ANIMALS, ("cat", "cow"), "got cow"),
        (("0", "1"), ANIMALS, "got cat, dog, fox"),
        (ANIMALS, tuple("abcdefg"), r"got a, b, c, d, e, \.\.\."),
    ],
)
def test_a_foreign_class_is_refused(model, data, shown):
    with pytest.raises(DataError, match=f"{shown}. .*--classes.*--class-map"):
        class_map(model, data)


def test_another_logit_can_win_and_is_wrong():
    predicted, confidence = outcome((2, 0), [[1.0, 9.0, 1.0], [5.0, 1.0, 1.0], [1.0, 1.0, 5.0]])
    assert predicted == [-1, 1, 0]
    assert confidence == pytest.approx(
        torch.tensor([[1.0, 9, 1], [5, 1, 1], [1, 1, 5]]).softmax(1).max(1).values.tolist()
    )


def test_restricted_predicts_among_the_classes_of_the_data():
    predicted, confidence = outcome((2, 0), [[1.0, 9.0, 2.0]], restricted=True)
    assert predicted == [0]
    assert confidence == pytest.approx([torch.tensor([2.0, 1.0]).softmax(0)[0].item()])


@pytest.mark.parametrize("restricted", [False, True])
def test_entropy_is_that_of_scipy_over_the_classes_that_compete(restricted):
    logits = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    found = ClassMap((2, 0), restricted).decide(torch.tensor(logits)).entropy
    shares = softmax(logits[:, [2, 0]] if restricted else logits, axis=1)
    assert found.numpy() == pytest.approx(entropy(shares, axis=1), abs=1e-6)
