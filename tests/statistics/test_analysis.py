"""What a kind of suite answers when shared code asks: names, and the network as it is."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.report.inputs import head_cells
from acn_eval.studies.table import analysis_of
from tests.statistics.results import CLEAN, WEAK, cell, result


def asked(kind, *conditions, primary):
    """The conditions that are left of a suite's cells as those of the whole network."""
    cells = [replace(cell(c, np.ones(4)), primary=i in primary) for i, c in enumerate(conditions)]
    losses = cell(CLEAN, np.ones(4), measure="loss")
    found = result("acn", [*cells, losses], suite={"kind": kind, "name": kind})
    return [dict(c.condition) for c in head_cells(found)]


def test_every_cell_of_robustness_is_of_the_whole_network():
    assert asked("robustness", CLEAN, WEAK, primary=[1]) == [CLEAN, WEAK]


def test_a_network_without_a_block_is_not_the_whole_one():
    first, last = {**CLEAN, "exit": 0}, {**CLEAN, "exit": 2}
    cut = {**CLEAN, "exit": "last", "without": 1}
    assert asked("dynamics", first, last, cut, primary=[1]) == [last]


def test_a_pruned_or_cut_network_is_not_the_whole_one():
    dense = {**CLEAN, "method": "magnitude", "sparsity": 0.0}
    noisy = {**dense, **WEAK}
    pruned = [{**CLEAN, "method": "magnitude", "sparsity": s} for s in (0.4, 0.8)]
    cut = {**dense, "blocks": 4}
    tuned = {**dense, "method": "gradual"}
    every = (dense, noisy, *pruned, cut, tuned)
    assert asked("pruning", *every, primary=[0, 2, 3]) == [dense, noisy]


def test_the_last_exit_is_the_whole_network_under_every_corruption():
    exits = [{**shown, "exit": k} for shown in (CLEAN, WEAK) for k in (0, 1, "cut", "last")]
    assert asked("compression", *exits, primary=[0, 1]) == [exits[1], exits[5]]
    alone = {**CLEAN, "exit": "last"}
    assert asked("compression", alone, primary=[0]) == [alone]


def test_one_probe_stands_for_a_representation():
    own = [
        {**CLEAN, "protocol": p, "reading": r, "exit": k}
        for p, r, k in (("linear", "stream", 1), ("linear", "stream", "last"))
    ]
    other = [{**own[1], "reading": "block"}, {**own[1], "protocol": "ridge"}]
    assert asked("transfer", *own, *other, primary=[1]) == [own[1]]
    assert asked("transfer", *own, primary=[]) == []


def test_learning_has_a_last_task_and_low_data_no_whole_network():
    tasks = [{**CLEAN, "tasks": t, "scenario": s} for t in (1, 2) for s in ("task_il", "class_il")]
    assert asked("continual", *tasks, primary=[2]) == [tasks[2]]
    assert asked("low_data", {**CLEAN, "per_class": 5}, primary=[0]) == []


@pytest.mark.parametrize(
    ("kind", "condition", "name"),
    [
        ("pruning", {**CLEAN, "method": "magnitude", "blocks": 4}, "magnitude of 4 blocks"),
        ("pruning", {**CLEAN, "method": "movement_40", "sparsity": 0.4}, "movement 40 0.4"),
        (
            "pruning",
            {**WEAK, "method": "magnitude", "sparsity": 0.5},
            "magnitude 0.5, gaussian 0.1",
        ),
        ("pruning", WEAK, "gaussian 0.1"),
        ("dynamics", {**CLEAN, "exit": "last", "without": 3}, "exit last, without block 3"),
        (
            "dynamics",
            {**CLEAN, "exit": "last", "without": "any block"},
            "exit last, without any block",
        ),
        ("low_data", {**CLEAN, "per_class": 5}, "5 per class"),
        ("robustness", CLEAN, "clean"),
    ],
)
def test_the_suite_names_its_conditions(kind, condition, name):
    assert analysis_of({"kind": kind}).label(condition) == name
