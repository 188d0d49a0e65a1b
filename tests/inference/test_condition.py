"""What logits say about the classes of the data."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from sklearn.metrics import brier_score_loss, log_loss

from acn_eval.inference import ClassMap


def outcome(columns, logits, *, restricted=False):
    found = ClassMap(columns, restricted).decide(torch.tensor(logits))
    return found.predicted.tolist(), found.confidence.tolist()


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


@pytest.mark.parametrize("restricted", [False, True])
def test_losses_are_those_of_scikit_learn_on_the_columns_of_the_labels(restricted):
    rng, columns = np.random.default_rng(1), (3, 0, 2)
    logits, labels = rng.normal(scale=4, size=(50, 5)).astype(np.float32), rng.integers(0, 3, 50)
    found = ClassMap(columns, restricted).decide(torch.tensor(logits), torch.tensor(labels))
    shares = softmax(logits[:, columns].astype(np.float64) if restricted else logits, axis=1)
    right = labels if restricted else np.array(columns)[labels]
    for row in range(50):
        one = {"labels": np.arange(shares.shape[1])}
        each = right[row : row + 1], shares[row : row + 1]
        assert found.nll[row].item() == pytest.approx(log_loss(*each, **one), rel=1e-5, abs=1e-6)
        truth = np.eye(shares.shape[1])[right[row]]
        assert found.brier[row].item() == pytest.approx(
            np.sum((shares[row] - truth) ** 2), rel=1e-4
        )
    whole = brier_score_loss(right, shares, labels=np.arange(shares.shape[1]), scale_by_half=False)
    assert found.brier.mean().item() == pytest.approx(whole, rel=1e-5)


def test_losses_are_exact_where_shares_round_to_0_and_unknown_where_nothing_was_answered():
    logits = torch.tensor([[0.0, 200.0], [0.0, float("nan")], [5.0, 5.0]])
    found = ClassMap((0, 1), restricted=False).decide(logits, torch.tensor([0, 0, 1]))
    assert found.nll.tolist() == pytest.approx([200.0, float("nan"), np.log(2)], nan_ok=True)
    assert found.brier.tolist() == pytest.approx([2.0, float("nan"), 0.5], nan_ok=True)
    unknown = ClassMap((0, 1), restricted=False).decide(logits)
    assert torch.stack([unknown.nll, unknown.brier]).isnan().all()
