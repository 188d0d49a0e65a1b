"""The cost of a plan, against counts by hand and a clock that ticks once a look."""

import pytest

from acn_eval.studies.continual.costs import costs
from tests.studies.continual.plans import course, runtime, study, train


def ticking():
    """A clock that is one second on whenever it is asked."""
    yield from range(10**6)


def test_costs_count_what_is_remembered_and_what_the_information_takes(tmp_path):
    methods = ("naive", {"method": "replay", "per_class": 2}, {"method": "ewc", "images": 4})
    asked = study(tmp_path, methods=methods, connectivities=("acn", "ffn"))
    clock, runs = ticking(), asked.units()
    found = {c.name: c for c in costs(runs, runtime(tmp_path), lambda: next(clock))}
    names = ("naive", "replay 2", "ewc 100 images=4")
    naive, replay, ewc = (found[f"acn L2 {name}"] for name in names)
    looks, batch = 60 * 5, 8
    assert {c.steps for c in found.values()} == {20}
    forward = naive.flops / (3 * 20 * batch + looks)
    assert replay.flops == forward * (3 * (20 + 16) * batch + looks)
    assert ewc.flops == naive.flops + forward * 2 * 5 * 4 * 2
    # A step is a second, and so are five images of two answers each.
    assert naive.seconds == pytest.approx(20 + looks / 3 / batch)
    assert replay.seconds == pytest.approx((36 * batch + looks / 3) / 16)
    assert ewc.seconds == pytest.approx(naive.seconds + 5 * 4 * 2 / 10)


def test_what_is_done_costs_nothing_and_measuring_keeps_nothing(tmp_path):
    train(course(steps=1), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.outcomes")}
    runs = study(tmp_path, steps=1).units()
    done, left = costs(runs, runtime(tmp_path))
    assert (done.name, done.done, done.seconds) == ("acn L2 naive", 1, 0)
    assert (left.name, left.done) == ("residual L2 naive", 0)
    assert left.seconds > 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.outcomes")} == before
