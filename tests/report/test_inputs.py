"""What a report is about: the stored comparison, else two sides by stated rules."""

import os
from dataclasses import replace

import pytest

from acn_eval.errors import ConfigError
from acn_eval.report.inputs import material
from acn_eval.statistics.comparison import comparison_key, save_comparison
from acn_eval.statistics.ranking import save_ranking
from acn_eval.studies.compare import compare, rank
from acn_eval.tracking import OnDisk, find
from tests.fakes import fake_result, saved_pair


def named(result, name, **arch):
    checkpoint = replace(
        result.checkpoint,
        name=name,
        sha256=name.ljust(64, "0"),
        arch={**result.checkpoint.arch, **arch},
    )
    return replace(result, checkpoint=checkpoint)


def sides(about):
    return about.comparison.candidate.label, about.comparison.baseline.label


def test_the_stored_comparison_is_taken_with_its_results(tmp_path):
    saved_pair(tmp_path)
    about = material(find([tmp_path]))
    assert sides(about) == about.labels == ("ac_vit", "res_vit")
    assert [r.checkpoint.name for r in about.results] == ["ac_vit", "res_vit"]
    assert about.key == comparison_key(about.comparison)


def test_a_comparison_alone_finds_its_results_beside_it(tmp_path):
    *_, artifacts = saved_pair(tmp_path)
    about = material(find([next(a for a in artifacts.values() if a.name.startswith("compare"))]))
    assert [r.checkpoint.name for r in about.results] == ["ac_vit", "res_vit"]


def test_results_find_the_comparison_that_is_about_them_alone(tmp_path):
    """It was stored the other way round: that is how it is told."""
    left, right = fake_result("ac_vit"), fake_result("res_vit")
    folders = [r.save(tmp_path) for r in (left, right)]
    save_comparison(compare([right], [left]), tmp_path)
    about = material(_both(folders))
    assert sides(about) == ("res_vit", "ac_vit")


def _both(folders):
    parts = [find([folder]) for folder in folders]
    return replace(
        parts[0],
        results=tuple(r for p in parts for r in p.results),
        artifacts={k: v for p in parts for k, v in p.artifacts.items()},
    )


@pytest.mark.parametrize("turned", [False, True])
def test_without_a_comparison_the_residual_one_is_the_baseline(tmp_path, turned):
    pair = [fake_result("ac_vit"), fake_result("res_vit")]
    folders = [r.save(tmp_path) for r in (pair[::-1] if turned else pair)]
    assert sides(material(_both(folders))) == ("ac_vit", "res_vit")


def test_else_the_second_is_the_baseline_and_a_name_overrules_both(tmp_path):
    base = fake_result("ac_vit")
    pair = [named(base, "one", depth=1), named(base, "two", depth=2)]
    found = _both([r.save(tmp_path) for r in pair])
    assert sides(material(found)) == ("one", "two")
    assert sides(material(found, "one")) == ("two", "one")
    with pytest.raises(ConfigError, match="`baseline`: must be one of one, two; got three"):
        material(found, "three")


def test_files_of_one_architecture_are_seeds_of_it(tmp_path):
    left, right = fake_result("ac_vit"), fake_result("res_vit")
    five = [named(left, "l1"), named(left, "l2"), named(left, "l3"), right]
    about = material(_both([r.save(tmp_path) for r in five]))
    assert sides(about) == ("l1 (3 seeds)", "res_vit")


def test_two_files_of_one_architecture_are_two_sides(tmp_path):
    left = fake_result("ac_vit")
    about = material(_both([r.save(tmp_path) for r in (left, named(left, "other"))]))
    assert sides(about) == ("ac_vit", "other")


def test_three_architectures_are_ranked_and_other_questions_are_refused(tmp_path):
    base = fake_result("ac_vit")
    three = [named(base, f"n{k}", depth=k) for k in range(3)]
    found = material(_both([r.save(tmp_path) for r in three]), "n1")
    places = found.ranking.places
    assert [p.label for p in sorted(places, key=lambda p: p.label)] == ["n0", "n1", "n2"]
    assert [p.label for p in places if p.baseline] == ["n1"]
    other = replace(three[2], seed=1)
    with pytest.raises(ConfigError, match="n2: noise seed must be that of n0"):
        material(_both([r.save(tmp_path) for r in (*three[:2], other)]))


def test_the_newest_is_taken_also_of_a_comparison_and_a_ranking(tmp_path):
    results, (comparison,), artifacts = saved_pair(tmp_path)
    ranking = rank({r.checkpoint.name: [r] for r in results})
    place = save_ranking(ranking, tmp_path)
    os.utime(place / "ranking.json", (0, 0))
    about = material(find([tmp_path]))
    assert (about.comparison, about.others) == (comparison, 1)
    os.utime(artifacts[comparison_key(comparison)] / "comparison.json", (0, 0))
    os.utime(place / "ranking.json", (1, 1))
    about = material(find([tmp_path]))
    assert (about.ranking, about.others) == (ranking, 1)
    assert [r.key for r in material(find([place])).results] == list(ranking.keys)


def test_the_newest_of_several_is_taken_and_the_others_are_counted(tmp_path):
    results, (first,), artifacts = saved_pair(tmp_path)
    second = compare(results[1:], results[:1])
    newer = save_comparison(second, tmp_path)
    old = artifacts[comparison_key(first)] / "comparison.json"
    os.utime(old, (1, 1))
    about = material(find([tmp_path]))
    assert (sides(about), about.others) == (("res_vit", "ac_vit"), 1)
    os.utime(newer / "comparison.json", (0, 0))
    assert sides(material(find([tmp_path]))) == ("ac_vit", "res_vit")
    assert sides(material(find([tmp_path]), "ac_vit")) == ("res_vit", "ac_vit")


def test_a_result_that_was_stopped_early_is_refused(tmp_path):
    early = replace(fake_result("ac_vit"), details={"stopped_early": {"of": 900}})
    with pytest.raises(ConfigError, match="stopped after 360"):
        material(OnDisk((early,), (), {early.key: tmp_path}))
