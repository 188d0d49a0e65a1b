"""Results of trainings in turn: what they record, how they are grouped, and what they cost."""

import pytest

from tests.statistics.results import PAIRED
from tests.studies.continual.plans import course, sides_of, study, train


def test_results_say_how_many_examples_and_with_what(tmp_path):
    methods = ({"method": "replay", "per_class": 2, "batch": 3},)
    ((results, _),) = sides_of(study(tmp_path, steps=1, methods=methods))
    (result,) = results
    training = result.checkpoint.training
    assert (training["steps"], training["examples"]) == (5, 5 * 8 + 4 * 3)
    recipe = training["recipe"].split(", ")
    assert "batch 8" in recipe
    assert "method replay 2 batch=3" in recipe


def test_evidence_for_pairs_is_recorded_and_decides_no_outcome(tmp_path):
    plain, declared = (course(steps=1, paired_seeds=p) for p in (None, PAIRED))
    assert declared.address == plain.address
    train(plain, tmp_path)
    ((candidates, baselines),) = sides_of(study(tmp_path, steps=1, paired_seeds=PAIRED))
    for result in (*candidates, *baselines):
        assert result.checkpoint.training["paired_seeds"] == PAIRED
        assert "paired_seeds" not in result.checkpoint.training["recipe"]


def test_groups_are_the_seeds_of_both_networks_for_every_method_and_depth(tmp_path):
    asked = study(tmp_path, methods=("naive", "joint"), depths=(1, 2), seeds=3)
    units = asked.units()
    groups = asked.groups()
    assert sum(len(units[side]) for group in groups for side in group) == len(units) == 24
    for ours, theirs in groups:
        one, other = units[ours], units[theirs]
        assert [unit.seed for unit in one] == [unit.seed for unit in other] == [0, 1, 2]
        assert {unit.connectivity for unit in one} == {"acn"}
        assert {unit.connectivity for unit in other} == {"residual"}
        assert len({(unit.method.label, unit.depth) for unit in (*one, *other)}) == 1
    assert units[0].method.label == "joint"  # the reference comes first


def ticking():
    """A clock that is one second on whenever it is asked."""
    yield from range(10**6)


def test_costs_count_what_is_remembered_and_what_the_information_takes(tmp_path):
    methods = ("naive", {"method": "replay", "per_class": 2}, {"method": "ewc", "images": 4})
    asked = study(tmp_path, methods=methods, connectivities=("acn", "ffn"))
    clock = ticking()
    found = {c.name: c for c in asked.costs(lambda: next(clock))}
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
    done, left = study(tmp_path, steps=1).costs()
    assert (done.name, done.done, done.seconds) == ("acn L2 naive", 1, 0)
    assert (left.name, left.done) == ("residual L2 naive", 0)
    assert left.seconds > 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.outcomes")} == before
