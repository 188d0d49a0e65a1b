"""A probe is fitted on train, chosen on validation, and cannot be chosen on test."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from acn_eval.errors import DataError
from acn_eval.probes import PROTOCOLS, Test, Train, Validation, score, select, shots
from acn_eval.probes.features import held_out, merged
from acn_eval.probes.probe import Neighbours, accuracy
from tests.probes.sets import SETS, arrays, features, splits

CPU = torch.device("cpu")
LINEAR = PROTOCOLS["linear"]


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


def test_ridge_has_no_confidence_and_the_others_have_one():
    train, validation, test = splits("digits")
    for name, has in {"ridge": False, "linear": True, "knn": True}.items():
        answered = score(select(PROTOCOLS[name], train, validation, CPU).probe, test)
        assert (answered.confidence is not None) == has


def test_neighbours_vote_as_scikit_learn_s_do():
    train, _, test = splits("digits")
    found = score(Neighbours(train), test)
    model = KNeighborsClassifier(
        20, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07)
    ).fit(train.x, train.labels)
    assert np.array_equal(found.predicted, model.predict(test.x))
    wanted = model.predict_proba(test.x).max(axis=1)
    np.testing.assert_allclose(found.confidence, wanted, atol=1e-5)


def test_dinov2_holds_out_a_tenth_of_what_it_may_use():
    train, validation, _ = splits("digits")
    found = select(replace(PROTOCOLS["dinov2-logreg"], penalties=(1.0,)), train, validation, CPU)
    assert found.validation_n == (len(train) + len(validation)) // 10


def test_a_tenth_is_keyed_by_id_and_not_by_order():
    train, _, _ = splits("digits")
    rest, own = held_out(train, 0.1)
    shuffled = train.at(np.random.default_rng(0).permutation(len(train)))
    again = held_out(shuffled, 0.1)[1]
    assert np.array_equal(own.ids, again.ids)
    assert set(rest.ids) | set(own.ids) == set(train.ids)
    assert not set(rest.ids) & set(own.ids)


def test_shots_are_nested_and_equal_for_every_network():
    train, _, _ = splits("digits")
    few, more = shots(train, 5, 0), shots(train, 10, 0)
    assert set(few.ids) < set(more.ids)
    assert np.bincount(more.labels).tolist() == [10] * 10
    other_network = replace(train, x=train.x[:, ::-1])
    assert np.array_equal(shots(other_network, 5, 0).ids, few.ids)
    assert set(shots(train, 5, 1).ids) != set(few.ids)
    assert shots(train, 10_000, 0) is None


@pytest.mark.parametrize(
    "name", ["clip-a3", "dinov2-logreg", "ridge-fewshot", "ridge", "linear", "acn-paper"]
)
def test_protocols_are_as_published(name):
    expected = {
        "clip-a3": (96, 1e6, 1e-6),
        "dinov2-logreg": (45, 1e6, 1e-5),
        "ridge-fewshot": (1, 1024, 1024),
        "ridge": (17, 1e6, 1e-2),
        "linear": (13, 1e4, 1e-2),
        "acn-paper": (13, 1e4, 1e-2),
    }
    penalties = PROTOCOLS[name].penalties
    assert (len(penalties), penalties[0], penalties[-1]) == pytest.approx(expected[name])
    assert list(penalties) == sorted(penalties, reverse=True)


def test_a_probe_cannot_be_fitted_chosen_or_scored_on_the_wrong_split():
    train, validation, test = splits("wine")
    probe = select(PROTOCOLS["ridge"], train, validation, CPU).probe
    wrong = [
        lambda: select(LINEAR, test, validation, CPU),
        lambda: select(LINEAR, train, test, CPU),
        lambda: merged(train, test),
        lambda: held_out(test, 0.1),
        lambda: shots(test, 1, 0),
        lambda: accuracy(probe, test),
        lambda: score(probe, validation),
    ]
    for attempt in wrong:
        with pytest.raises(TypeError, match=r"features must be those of \w+; got \w+"):
            attempt()


SNIPPET = """
import torch
from acn_eval.probes import PROTOCOLS, Features, Test, Train, Validation, score, select


def tuned(train: Features[Train], validation: Features[Validation], test: Features[Test]) -> None:
    cpu = torch.device("cpu")
    probe = select(PROTOCOLS["linear"], train, validation, cpu).probe  # fine
    score(probe, test)  # fine
    select(PROTOCOLS["linear"], train, test, cpu)
    select(PROTOCOLS["linear"], test, validation, cpu)
    score(probe, validation)
"""


def test_a_probe_that_is_tuned_on_test_does_not_pass_the_type_checker(tmp_path):
    (tmp_path / "snippet.py").write_text(SNIPPET)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", tmp_path / "snippet.py"],
        cwd=root,  # its settings, and what `make check` has left in its cache
        capture_output=True,
        text=True,
        check=False,
    )
    refused = [line for line in done.stdout.splitlines() if "snippet.py" in line]
    assert [int(line.split(":")[1]) for line in refused] == [10, 11, 12], done.stdout
    assert all("arg-type" in line for line in refused)


def test_types_and_run_time_agree():
    x, labels = arrays("wine")
    made = [features(split, x, labels) for split in (Train, Validation, Test)]
    assert [part.split.name for part in made] == ["train", "validation", "test"]
