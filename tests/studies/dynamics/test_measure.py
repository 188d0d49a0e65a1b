"""What is measured of a network is kept as bytes, and read back as it was."""

import numpy as np
import pytest

from acn_eval.studies.dynamics.measure import Observation
from acn_eval.studies.dynamics.snapshots import Outcomes, Snapshot
from tests.tiny import digits

TEST = digits(6)


def shown(rows):
    predicted = np.arange(rows * len(TEST), dtype=np.int32).reshape(rows, len(TEST)) % 10
    return Outcomes(
        predicted, np.linspace(0, 1, predicted.size, dtype=np.float32).reshape(rows, len(TEST))
    )


def observation(without, reason):
    facts = {"images": 4, "n": 5, "backward_paths": None, "representation": {"cka": [[None]]}}
    snapshots = [Snapshot(0, [1.0, 0.1], [0.5, 0.1], [0.2, 0.0], [0.25, 1 / 3])]
    return Observation(snapshots, shown(2), without, reason, facts)


def test_bytes_are_read_back():
    one = observation(shown(1), "")
    again = Observation.unpack(one.pack())
    assert (again.snapshots, again.facts, again.reason) == (one.snapshots, one.facts, "")
    for name in ("exits", "without"):
        for field in ("predicted", "confidence"):
            own, read = (getattr(getattr(each, name), field) for each in (one, again))
            assert own.dtype == read.dtype
            assert np.array_equal(own, read)


def test_cells_are_exits_and_then_networks_without_a_block():
    answer = observation(shown(1), "").answer(TEST, ["read this"])
    assert [cell.condition.get("without") for cell in answer.cells] == [None, None, 1]
    assert [cell.primary for cell in answer.cells] == [False, True, False]
    assert np.array_equal(answer.cells[1].values, shown(2).predicted[1] == TEST.labels)
    (lost,) = answer.details["without"]
    whole, cut = answer.cells[1:]
    assert lost["lost"] == pytest.approx(np.mean(whole.values - cut.values))
    assert (answer.skipped, answer.warnings) == ((), ("read this",))


def test_blocks_that_cannot_be_left_out_are_skipped_in_words():
    answer = observation(shown(0), "it has weights").answer(TEST, [])
    (skip,) = answer.skipped
    assert (skip.condition["without"], skip.reason) == ("any block", "it has weights")
    assert len(answer.cells) == 2
