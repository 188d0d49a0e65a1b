"""Ties are ties: letters against brute force, Holm against statsmodels, ranks against counts."""

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from acn_eval.errors import ConfigError, DataError
from acn_eval.statistics.ranking import letters, load_ranking, ranking_key, save_ranking
from acn_eval.studies.compare import compare, rank
from tests.statistics.results import CLEAN, STRONG, cell, result


def brute_force(entries, different):
    """All sets without two that differ, which no larger such set covers."""
    free = [
        set(group)
        for size in range(1, entries + 1)
        for group in combinations(range(entries), size)
        if not any(pair in different for pair in combinations(group, 2))
    ]
    return {frozenset(g) for g in free if not any(g < other for other in free)}


def groups_of(shown):
    names = sorted(set("".join(shown)))
    return [frozenset(i for i, own in enumerate(shown) if name in own) for name in names]


@pytest.mark.parametrize("entries", [2, 3, 4, 5, 6])
def test_letters_are_the_largest_groups_without_a_difference(entries):
    rng = np.random.default_rng(entries)
    pairs = list(combinations(range(entries), 2))
    for share in np.linspace(0, 1, 40):
        different = frozenset(
            p for p, u in zip(pairs, rng.random(len(pairs)), strict=True) if u < share
        )
        found = groups_of(letters(entries, different))
        assert len(found) == len(set(found))
        assert set(found) == brute_force(entries, different)


def test_letters_go_on_after_z():
    many = letters(30, frozenset(combinations(range(30), 2)))
    assert many[:2] == ["a", "b"]
    assert many[25:28] == ["z", "a1", "b1"]


def network(name, share, seed, n=400):
    hard = np.random.default_rng(7).random(n)
    own = np.random.default_rng(seed).normal(0, 0.05, n)
    right = hard + own < share
    return result(name, [cell(CLEAN, right), cell(STRONG, right)])


@pytest.fixture(scope="module")
def four():
    shares = {"a": 0.9, "b": 0.89, "c": 0.75, "d": 0.5}
    return {name: [network(name, share, i)] for i, (name, share) in enumerate(shares.items())}


def test_pairs_are_the_comparisons_with_holm_over_all_of_them(four):
    found = rank(four)
    expected = {
        (p.left, p.right): compare(four[p.left], four[p.right]).primary for p in found.pairs
    }
    assert len(expected) == 6
    for pair in found.pairs:
        row = expected[pair.left, pair.right]
        assert (pair.difference, pair.low, pair.high) == tuple(vars(row.difference).values())
        assert (pair.p, pair.mde) == (row.p, row.mde)
    adjusted = multipletests([p.p for p in found.pairs], method="holm")[1]
    np.testing.assert_allclose([p.p_holm for p in found.pairs], adjusted, rtol=1e-12)


def test_ranks_leave_open_what_the_pairs_leave_open(four):
    found = rank(four)
    names = [place.label for place in found.places]
    assert [place.rank for place in found.places] == ["1-2", "1-2", "3", "4"]
    assert [place.letters for place in found.places] == ["a", "a", "b", "c"]
    for place in found.places:
        better = [p for p in found.pairs if p.right == place.label and p.p_holm < found.alpha]
        worse = [p for p in found.pairs if p.left == place.label and p.p_holm < found.alpha]
        assert place.best == 1 + len(better)
        assert place.worst == len(names) - len(worse)


def test_the_same_outcomes_are_a_tie(four):
    same = four["a"][0]
    twins = {
        name: [replace(same, checkpoint=replace(same.checkpoint, name=name, sha256=name))]
        for name in ("x", "y", "z")
    }
    found = rank(twins)
    assert [(p.rank, p.letters) for p in found.places] == [("1-3", "a")] * 3
    assert all(p.p_holm == 1 for p in found.pairs)


def test_one_entry_has_no_rank(four):
    with pytest.raises(ConfigError, match="must be two or more; got 1"):
        rank({"a": four["a"]})


def test_results_of_another_question_are_refused(four):
    other = replace(four["b"][0], seed=1)
    with pytest.raises(ConfigError, match="noise seed"):
        rank({"a": four["a"], "b": [other], "c": four["c"]})


def test_facts_in_which_some_pairs_are_unequal_are_named(four):
    big = replace(four["d"][0], checkpoint=replace(four["d"][0].checkpoint, parameters=9))
    found = rank({**four, "d": [big]})
    assert found.warnings[-1] == "some pairs differ in parameters: compare two of them alone"
    assert any(w.startswith("one training seed per side says nothing") for w in found.warnings)


def test_a_fact_that_is_unknown_of_one_side_is_not_called_unequal(four):
    one = four["d"][0]
    told = replace(one, checkpoint=replace(one.checkpoint, training={"data": "digits"}))
    rows = compare(four["a"], [told]).manifest
    assert None in {row.equal for row in rows}
    assert False not in {row.equal for row in rows}
    found = rank({**four, "d": [told]})
    assert not any("some pairs differ" in warning for warning in found.warnings)


def test_alpha_is_where_two_are_told_apart(four):
    """The pair that is hardest to tell apart, with alpha on either side of its adjusted p."""
    hardest = max(rank(four).pairs, key=lambda pair: pair.p_holm)
    told = [
        {place.label: place.letters for place in rank(four, alpha=factor * hardest.p_holm).places}
        for factor in (0.99, 1.01)
    ]
    shared = [set(one[hardest.left]) & set(one[hardest.right]) for one in told]
    assert shared[0]
    assert not shared[1]


def test_a_kept_ranking_is_the_ranking_and_the_order_of_entries_does_not_move_it(four, tmp_path):
    found = rank(four, baselines=["c"])
    place = save_ranking(found, tmp_path)
    assert load_ranking(place) == found
    assert [p.label for p in found.places if p.baseline] == ["c"]
    turned = rank(dict(reversed(four.items())), baselines=["c"])
    assert save_ranking(turned, tmp_path) == place
    assert ranking_key(rank(four, metric="accuracy")) == ranking_key(found)
    assert ranking_key(rank({n: four[n] for n in "abc"})) != ranking_key(found)


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[]",
        '{"suite": "robustness"}',
        '{"places": [], "pairs": []}',
        '{"suite": 1e999}',
        '{"suite": "a", "suite": "b"}',
    ],
)
def test_a_damaged_ranking_is_one_line(four, tmp_path, broken):
    place = save_ranking(rank(four), tmp_path)
    (place / "ranking.json").write_text(broken)
    with pytest.raises(DataError, match=r"ranking.json of this version") as caught:
        load_ranking(place)
    assert "\n" not in str(caught.value)


def test_a_ranking_with_an_unknown_field_or_a_level_that_is_none_is_refused(four, tmp_path):
    place = save_ranking(rank(four), tmp_path)
    facts = json.loads((place / "ranking.json").read_text())
    first = facts["places"][0]
    row = {**first["rows"][0], "condition": {"corruption": "gaussian", "level": "much"}}
    for changed in ({**facts, "sure": 1}, {**facts, "places": [{**first, "rows": [row]}] * 2}):
        (place / "ranking.json").write_text(json.dumps(changed))
        with pytest.raises(DataError, match="Rank again"):
            load_ranking(place)


def test_the_answer_names_who_cannot_be_told_from_the_first(four):
    assert "a is first of 4 in mean corrupted" in rank(four).answer
    assert rank(four).answer.endswith("and does not differ significantly from b.")
    apart = rank({"a": four["a"], "c": four["c"], "d": four["d"]})
    assert apart.answer.endswith("and differs significantly from all others.")
    assert "Ranking(robustness on npz:toy test, n = 400" in repr(apart)
    assert [row["letters"] for row in apart.records()] == ["a", "b", "c"]


def test_few_seeds_of_some_entries_are_said_of_the_ranking(four):
    more = [network("a", 0.9, seed) for seed in (7, 8)]
    more = [
        replace(r, checkpoint=replace(r.checkpoint, sha256=str(i))) for i, r in enumerate(more)
    ]
    found = rank({**four, "a": [*four["a"], *more]})
    expected = "6 of 6 pairs are about these files, not about their architectures"
    assert any(warning.startswith(expected) for warning in found.warnings)
