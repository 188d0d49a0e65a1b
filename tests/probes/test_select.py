"""A probe is fitted on train, chosen on validation, and cannot be chosen on test."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from acn_eval.errors import DataError
from acn_eval.probes import PROTOCOLS, Train, score, select
from acn_eval.probes.features import merged
from acn_eval.probes.select import fit
from tests.probes.sets import CPU, LINEAR, SETS, features, splits


def right(probe, test):
    return np.mean(score(probe, test).predicted == test.labels)


@pytest.mark.parametrize("name", SETS)
def test_the_choice_is_that_of_a_plain_search(name, device):
    """Cold fits of scikit-learn over the same grid, then one on train and validation."""
    train, validation, test = splits(name)
    found = select(LINEAR, train, validation, device)
    mean, std = train.x.mean(axis=0, dtype=float), train.x.std(axis=0, dtype=float)
    x, v = ((part.x - mean) / np.where(std > 0, std, 1) for part in (train, validation))

    def cold(penalty, x, labels):
        model = LogisticRegression(C=1 / penalty, tol=LINEAR.tolerance, max_iter=1000)
        return model.fit(x, labels)

    scores = [cold(p, x, train.labels).score(v, validation.labels) for p in LINEAR.penalties]
    assert found.validation == pytest.approx(max(scores), abs=1e-3)
    assert found.penalty == LINEAR.penalties[int(np.argmax(scores))]
    both = merged(train, validation)
    mean, std = both.x.mean(axis=0, dtype=float), both.x.std(axis=0, dtype=float)
    std = np.where(std > 0, std, 1)
    last = cold(found.penalty, (both.x - mean) / std, both.labels)
    answered = score(found.probe, test)
    assert np.mean(answered.predicted == last.predict((test.x - mean) / std)) > 0.99
    confident = last.predict_proba((test.x - mean) / std).max(axis=1)
    np.testing.assert_allclose(answered.confidence, confident, atol=5e-3)
    assert right(found.probe, test) > 0.9


def test_of_equal_accuracies_the_strongest_penalty_wins():
    train, validation, _ = splits("wine")
    easy = replace(validation, x=train.x, labels=train.labels)
    found = select(replace(LINEAR, penalties=(1.0, 0.5, 0.25)), train, easy, CPU)
    assert (found.validation, found.penalty, found.edge) == (1.0, 1.0, False)


def test_a_choice_at_an_end_of_the_grid_is_said():
    train, validation, _ = splits("digits")
    found = select(replace(LINEAR, penalties=(1e4, 10.0)), train, validation, CPU)
    assert found.edge


def test_a_choice_inside_the_grid_is_no_edge():
    train, validation, _ = splits("digits")
    assert not select(LINEAR, train, validation, CPU).edge


def test_a_class_that_train_does_not_have_is_never_predicted():
    train, validation, test = splits("digits")
    without = train.at(np.flatnonzero(train.labels != 4))
    for name in ("linear", "ridge", "knn"):
        protocol = replace(PROTOCOLS[name], merge=False)
        found = score(select(protocol, without, validation, CPU).probe, test)
        assert 4 not in found.predicted
        assert np.mean(found.predicted == test.labels) > 0.7


def test_one_class_alone_is_refused():
    train, validation, _ = splits("digits")
    with pytest.raises(DataError, match="two classes or more; got 1"):
        select(LINEAR, train.at(np.flatnonzero(train.labels == 4)), validation, CPU)


@pytest.fixture
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("name", ["linear", "ridge"])
def test_the_number_of_threads_changes_no_digit(name):
    """Wide enough that two threads would share a product."""
    draw = np.random.default_rng(0)
    train = features(Train, draw.normal(size=(3000, 200)).astype(np.float32), np.arange(3000) % 5)
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)  # of which `threadpool_limits` does not know
        with threadpool_limits(threads):
            found += fit(PROTOCOLS[name], train, [10.0], CPU)
        assert torch.get_num_threads() == threads
    assert np.array_equal(found[0].solution.weights, found[1].solution.weights)


def test_a_device_without_float64_leaves_the_fit_to_the_cpu():
    train, *_ = splits("wine")
    there, here = (fit(LINEAR, train, [1.0], torch.device(name))[0] for name in ("mps", "cpu"))
    assert np.array_equal(there.solution.weights, here.solution.weights)
