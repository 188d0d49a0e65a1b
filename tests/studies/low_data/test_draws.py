"""Subsets are nested, stratified, and the same for everybody."""

import itertools
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from acn_eval.data import Geometry, decoded, open_examples
from acn_eval.errors import DataError
from acn_eval.studies.low_data.draws import Draw

SIZES = (1, 2, 5, 10, 20, 50)


@pytest.fixture(scope="module")
def pool():
    return open_examples("digits", "train")


def counts(examples):
    return np.bincount(examples.labels, minlength=len(examples.classes)).tolist()


def overlap(one, other):
    return len(np.intersect1d(one.examples.ids, other.examples.ids))


def test_known_answer(pool):
    """These ids are the contract: another machine, another day, another model, the same ids."""
    subset = Draw(pool, 3).subset(2)
    assert subset.examples.ids.tolist() == [
        256,
        825,
        215,
        916,
        1272,
        501,
        1255,
        607,
        390,
        1536,
        920,
        1448,
        1183,
        1749,
        673,
        894,
        38,
        569,
        1698,
        1276,
    ]
    assert subset.examples.fingerprint == "8427f3b5fc168812"


def test_a_process_of_its_own_draws_the_same(pool):
    code = (
        "from acn_eval.data import open_examples;from acn_eval.studies.low_data.draws import Draw;"
        "print(Draw(open_examples('digits', 'train'), 7).subset(5).examples.fingerprint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == Draw(pool, 7).subset(5).examples.fingerprint


@settings(deadline=None, max_examples=30)
@given(draw=st.integers(0, 10_000), share=st.sampled_from([0.0, 0.1, 0.2, 0.5]))
def test_nested_and_stratified(draw, share):
    order = Draw(open_examples("digits", "train"), draw)
    subsets = [order.subset(k, share) for k in SIZES]
    for k, subset in zip(SIZES, subsets, strict=True):
        assert subset.per_class == k
        assert counts(subset.examples) == [k] * 10
        assert counts(subset.held_out) == [int(k * share + 1e-9)] * 10
        parts = np.concatenate([subset.learned.ids, subset.held_out.ids])
        assert sorted(parts) == sorted(subset.examples.ids)
    for small, large in itertools.pairwise(subsets):
        for part in ("examples", "learned", "held_out"):
            assert set(getattr(small, part).ids) <= set(getattr(large, part).ids)


def test_the_order_of_the_pool_does_not_matter(pool):
    shuffled = pool.at(np.random.default_rng(0).permutation(len(pool)))
    one, other = Draw(pool, 1).subset(5), Draw(shuffled, 1).subset(5)
    assert np.array_equal(one.examples.ids, other.examples.ids)
    assert one.examples.fingerprint == other.examples.fingerprint


def test_draws_differ_and_overlap_by_chance_only(pool):
    """Two draws of k of N share k / N of their images on average, as independent draws do."""
    draws = [Draw(pool, i).subset(20) for i in range(12)]
    assert len({d.examples.fingerprint for d in draws}) == 12
    shared = [overlap(a, b) for i, a in enumerate(draws) for b in draws[:i]]
    expected = sum(20 * 20 / n for n in counts(pool))
    assert np.mean(shared) == pytest.approx(expected, rel=0.06)


def test_every_image_is_drawn_equally_often(pool):
    hits = np.zeros(2000)
    for i in range(300):
        hits[Draw(pool, i).subset(20).examples.ids] += 1
    for label, n in enumerate(counts(pool)):
        seen = hits[pool.ids[pool.labels == label]]
        assert seen.sum() == 300 * 20
        spread = 300 * (20 / n) * (1 - 20 / n)  # of a hypergeometric draw
        assert np.var(seen) == pytest.approx(spread, rel=0.6)


def test_fractions_keep_the_proportions_of_the_classes(pool):
    order = Draw(pool, 0)
    tenth, half = order.subset(0.1), order.subset(0.5)
    assert counts(tenth.examples) == [round(0.1 * n) for n in counts(pool)]
    assert tenth.per_class == round(len(tenth.examples) / 10)
    assert set(tenth.examples.ids) <= set(half.examples.ids)
    assert counts(order.subset(1e-6).examples) == [1] * 10


def test_one_image_a_class_leaves_none_to_hold_out(pool):
    subset = Draw(pool, 0).subset(1, 0.2)
    assert len(subset.held_out) == 0
    assert len(subset.learned) == 10


def test_more_than_a_third_of_a_class_is_crowded(pool):
    smallest = min(counts(pool))
    assert not Draw(pool, 0).subset(smallest // 3).crowded
    assert Draw(pool, 0).subset(smallest // 3 + 1).crowded


def test_too_few_images_of_a_class(pool):
    smallest = min(counts(pool))
    name = pool.classes[int(np.argmin(counts(pool)))]
    with pytest.raises(DataError, match=rf"class {name} must have 101 .* got {smallest}\."):
        Draw(pool, 0).subset(101)
    few = pool.at(np.flatnonzero(pool.labels != 4))
    with pytest.raises(DataError, match="class 4 must have 1 training examples or more; got 0"):
        Draw(few, 0).subset(0.1)


def test_the_record_names_ids_and_content(pool):
    subset = Draw(pool, 2).subset(5, 0.2)
    record = subset.record()
    assert record["ids"] == subset.examples.ids.tolist()
    assert set(record["held_out"]) < set(record["ids"])
    pixels = pool.inputs.images.copy()
    pixels[pool.positions[np.flatnonzero(pool.ids == record["ids"][0])[0]]] += 1
    changed = replace(pool, inputs=replace(pool.inputs, images=pixels))
    assert Draw(changed, 2).subset(5, 0.2).record()["ids"] == record["ids"]
    assert Draw(changed, 2).subset(5, 0.2).record()["fingerprint"] != record["fingerprint"]


def test_decoded_pictures_are_the_same_pictures(pool):
    subset, size = Draw(pool, 0).subset(3).examples, Geometry(8, 3)
    where = np.array([4, 0, 29])
    held = decoded(subset, size)
    assert torch.equal(held.read(where, size), subset.read(where, size))
    assert np.array_equal(held.ids, subset.ids)
