"""What is measured of a network is kept as bytes, and read back as it was."""

import math

import numpy as np
import pytest

from acn_eval.inference.spread import Spread
from acn_eval.studies.dynamics.measure import Observation
from acn_eval.studies.dynamics.snapshots import Outcomes, Snapshot
from acn_eval.training.packed import pack, unpack
from tests.tiny import digits

TEST = digits(6)
SPREAD = [Spread(0.5, 1 / 3, 2.0, 0.1, -1.0), Spread(math.nan, 0.0, 1.0, 1.0, 1.0)]


def shown(rows):
    predicted = np.arange(rows * len(TEST), dtype=np.int32).reshape(rows, len(TEST)) % 10
    shares = np.linspace(0, 1, predicted.size, dtype=np.float32).reshape(rows, len(TEST))
    return Outcomes(predicted, shares, 2 * shares)


def observation(without, reason):
    facts = {"images": 4, "n": 5, "backward_paths": None, "representation": {"cka": [[None]]}}
    parts = [1.0, 0.1], [0.5, 0.1], [0.2, 0.0]
    snapshots = [Snapshot(7, *parts, [0.25, 1 / 3], [2.5, 2.0], SPREAD)]
    return Observation(snapshots, shown(2), without, reason, facts, SPREAD[:1])


def test_bytes_are_read_back():
    one = observation(shown(1), "")
    again = Observation.unpack(one.pack())
    assert repr([again.snapshots, again.initial]) == repr([one.snapshots, one.initial])
    assert (again.facts, again.reason) == (one.facts, "")
    for name in ("exits", "without"):
        for field in ("predicted", "confidence", "nll"):
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


def test_the_spread_is_plain_json_and_its_shares_are_charts_from_initialization_on():
    details = observation(shown(1), "").answer(TEST, []).details
    first = {"tokens": 0.5, "images": 1 / 3, "rank": 2.0, "norm": 0.1, "cosine": -1.0}
    assert details["spread"] == {
        "n": 5,
        "initial": [first],
        "looks": [[first, dict.fromkeys(first, 1.0) | {"tokens": None, "images": 0.0}]],
    }
    charts = {chart["name"]: chart["points"] for chart in details["charts"]}
    assert charts["token variance exit 0"] == [[0, 0.5], [7, 0.5]]
    assert charts["image variance exit 1"] == [[7, 0.0]]
    assert "token variance exit 1" not in charts


def test_what_was_kept_is_checked():
    content = observation(shown(1), "").pack()
    kept = unpack(content)
    broken = pack({**kept, "texts": kept["texts"].replace('"cosine"', '"sine"')})
    with pytest.raises(ValueError, match="cosine"):
        Observation.unpack(broken)
