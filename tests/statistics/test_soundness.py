"""Outcomes that cannot be true are refused, in one result and across two."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.errors import ConfigError
from acn_eval.results import UNKNOWN, Cell
from acn_eval.statistics.soundness import differing, labels_of, same_network
from acn_eval.studies.compare import compare, join
from tests.statistics.results import CLEAN, WEAK, cell, result

RIGHT = np.array([1, 0, 1, 0], dtype=np.float32)
PREDICTED = np.array([3, 1, 4, 1], dtype=np.int32)
LABELS = np.array([3, 2, 4, 6])


def answered(condition, values=RIGHT, predicted=PREDICTED, labels=LABELS, **changes):
    named = {"predicted": np.array(predicted, dtype=np.int32), "labels": np.array(labels)}
    return cell(condition, values, **named, **changes)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (cell(WEAK, [1, 0, np.nan, 0]), "outcomes must be numbers from 0 to 1"),
        (cell(WEAK, [1, 0, np.inf, 0]), "outcomes must be numbers from 0 to 1"),
        (cell(WEAK, [1, 0, -1, 0]), "outcomes must be numbers from 0 to 1"),
        (cell(WEAK, RIGHT, ids=[0, 1, 1, 3]), "ids must be different numbers"),
        (replace(cell(WEAK, RIGHT), ids=np.arange(5)), "outcomes must be one per example"),
        (answered(WEAK, predicted=[3, 1, 4]), "outcomes must be one per example"),
        (answered(WEAK, labels=[3, 2, 4]), "outcomes must be one per example"),
        (answered(WEAK, predicted=[3, 10, 4, 1]), "predicted classes and labels must be classes"),
        (answered(WEAK, predicted=[3, -2, 4, 1]), "predicted classes and labels must be classes"),
        (answered(WEAK, labels=[3, 2, 10, 6]), "predicted classes and labels must be classes"),
        (answered(WEAK, labels=[3, 2, -2, 6]), "predicted classes and labels must be classes"),
    ],
)
def test_outcomes_that_are_none_are_refused(wrong, said):
    one, other = result("acn", [cell(CLEAN, RIGHT)]), result("res", [cell(CLEAN, RIGHT), wrong])
    with pytest.raises(ConfigError, match=f"res: {said}.*; under corruption gaussian") as caught:
        compare([one], [other])
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_condition_that_is_there_twice_is_refused():
    with pytest.raises(ConfigError, match="conditions must differ; one is there twice"):
        join([result("acn", [cell(WEAK, RIGHT), cell(WEAK, 1 - RIGHT)])])
    losses = [cell(WEAK, RIGHT), cell(WEAK, 1 - RIGHT, measure="loss")]
    assert join([result("acn", losses)]).values.shape == (1, 1, 4)


@pytest.mark.parametrize(
    ("values", "predicted", "image"),
    [
        ([1, 0, 1, 0], [5, 1, 4, 1], 0),  # right with another class than the first cell
        ([0, 0, 1, 0], [3, 1, 4, 1], 0),  # wrong with the class that is right in the first cell
        ([1, 0, 1, 1], [3, 1, 4, -1], 3),  # right with a class that the data does not have
    ],
)
def test_predicted_labels_and_outcomes_must_agree(values, predicted, image):
    cells = [answered(CLEAN), answered(WEAK, values, predicted)]
    for order in (cells, cells[::-1]):
        for results in (
            [result("acn", order)],
            [result(c.condition["corruption"], [c]) for c in order],
        ):
            with pytest.raises(ConfigError, match=f"label of every example; .* example {image},"):
                join(
                    [
                        replace(r, cells=(*r.cells, cell({**CLEAN, "level": 1.0}, RIGHT)))
                        for r in results
                    ]
                )


@pytest.mark.parametrize("labels", [[3, 2, 5, 6], [UNKNOWN, UNKNOWN, 5, UNKNOWN]])
def test_labels_must_agree_also_where_both_are_wrong(labels):
    other = answered(WEAK, np.zeros(4), [1, 1, 1, 1], labels)
    for pair in ([answered(WEAK), other], [other, answered(WEAK)]):
        with pytest.raises(ConfigError, match=r"label of every example; .* example 2,"):
            join([result("acn", pair[:1]), result("res", pair[1:])])


def test_answers_that_agree_are_joined_whatever_the_order_of_their_images():
    order = np.array([2, 0, 3, 1])
    shuffled = answered(WEAK, RIGHT[order], PREDICTED[order], LABELS[order], ids=order)
    other = answered(WEAK, [0, 1, 1, 0], [-1, 2, 4, 7], [UNKNOWN, 2, 4, UNKNOWN])
    assert join([result("acn", [shuffled]), result("res", [other])]).values.shape == (2, 1, 4)


SAME = {"sha256": "same", "arch": {"kind": "vit"}}


def test_one_network_has_one_answer():
    one = result("acn", [cell(WEAK, RIGHT)], about=SAME)
    other = result("res", [cell(WEAK, 1 - RIGHT)], about=SAME)
    assert same_network(one.checkpoint, other.checkpoint)
    assert differing(one, other) == 4
    with pytest.raises(
        ConfigError, match=r"same weights \(sha256\) and was measured alike; got 4"
    ):
        compare([one], [other])
    assert compare([one], [replace(one, created_ms=1)]).claim.verdict == "identical"


@pytest.mark.parametrize(
    "changes",
    [{"precision": "bf16"}, {"device": "cuda"}, {"versions": {"torch": "3"}}],
    ids=lambda changes: next(iter(changes)),
)
def test_one_network_measured_otherwise_is_compared_and_never_called_identical(changes):
    one = result("acn", [cell(WEAK, RIGHT)], about=SAME)
    other = result("res", [cell(WEAK, 1 - RIGHT)], about=SAME, **changes)
    assert compare([one], [other]).claim.verdict != "identical"
    assert compare([one], [replace(one, **changes)]).claim.verdict == "identical"


def test_what_trains_may_end_otherwise():
    suite = {"name": "pruning", "kind": "pruning"}
    cells = [
        cell({**CLEAN, "sparsity": s, "method": "m"}, RIGHT, primary=True) for s in (0.0, 0.5)
    ]
    one, other = (result(n, cells, about=SAME, suite=suite) for n in ("acn", "res"))
    other = replace(other, cells=(cells[0], replace(cells[1], values=1 - RIGHT)))
    assert compare([one], [other]).claim.verdict != "identical"


def test_labels_of_several_results_are_those_that_any_of_them_knows():
    one = result("acn", [answered(WEAK, labels=[3, UNKNOWN, UNKNOWN, UNKNOWN])])
    other = result("res", [answered(CLEAN, labels=LABELS, ids=[3, 2, 1, 9])])
    ids, labels = labels_of([one, other])
    assert ids.tolist() == [0, 1, 2, 3, 9]
    assert labels.tolist() == [3, 4, 2, 3, 6]
    assert labels_of([one])[1].tolist() == [3, UNKNOWN, UNKNOWN, UNKNOWN]


def numbered(name, targets, predicted=(0.1, 7.0, -2.0, 0.3)):
    told = np.array(predicted, np.float32)
    return result(name, [Cell.numbered(WEAK, np.arange(4), np.array(targets, np.float32), told)])


def test_numbers_are_no_shares_and_must_be_about_the_same_targets():
    stated = [1.0, 5.0, 0.2, 0.0]
    one, other = numbered("acn", stated), numbered("res", stated, (2.0, -9.0, 0.0, 0.0))
    assert join([one, other], metric="spearman").values.shape == (2, 1, 4)
    with pytest.raises(ConfigError, match=r"res: target of example 2 must be 0.2, .*; got 0.3"):
        join([one, numbered("res", [1.0, 5.0, 0.3, 0.0])], metric="spearman")
    with pytest.raises(ConfigError, match="res: outcomes must be one per example"):
        join([one, numbered("res", stated[:3])], metric="spearman")
    with pytest.raises(
        ConfigError, match="accuracy is undefined, because the answers are numbers"
    ):
        join([one, other])
