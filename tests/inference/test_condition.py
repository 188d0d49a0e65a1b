"""What logits say about the classes of the data."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy

from acn_eval.inference import ClassMap


def outcome(columns, logits, *, restricted=False):
    predicted, confidence, _ = ClassMap(columns, restricted).decide(torch.tensor(logits))
    return predicted.tolist(), confidence.tolist()


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
