"""Results of trainings in turn: what they record, and how they are grouped."""

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
