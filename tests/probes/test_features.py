"""Features carry their split, at run time and for the type checker."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from acn_eval.probes import PROTOCOLS, Test, Train, Validation, score, select, shots
from acn_eval.probes.features import held_out, merged
from acn_eval.probes.probe import accuracy
from tests.probes.sets import CPU, LINEAR, arrays, features, splits


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
