"""Early exit against a plain walk of every image through the exits."""

import dataclasses
import inspect
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from acn_eval.studies.compression.early_exit import (
    BATCH,
    RULES,
    Exits,
    Prices,
    Rule,
    chosen,
    operating,
)

PRICES = Prices([1.0, 2, 3, 4, 5, 6, 7], [0.5, 1, 2, 3, 4, 5, 6], [2.0, 9, 17, 25, 40, 41, 60])
BY_NAME = {rule.name: rule for rule in RULES}
ENTROPY, CONFIDENCE, PATIENCE = (BY_NAME[n] for n in ("entropy", "confidence", "patience"))


def exits(seed=0, depth=6, n=200, classes=4):
    """Random answers that grow surer with depth; float32, as the one pass gives them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(depth + 1, n, classes)) + rng.normal(size=(n, classes)) * 2
    shares = np.exp(logits * np.linspace(0.2, 3, depth + 1)[:, None, None])
    shares /= shares.sum(-1, keepdims=True)
    predicted = shares.argmax(-1).astype(np.int32)
    labels = predicted[-1] + (rng.random(n) < 0.2)
    return Exits(
        predicted=predicted,
        confidence=shares.max(-1).astype(np.float32),
        entropy=-(shares * np.log(shares)).sum(-1).astype(np.float32),
        correct=(predicted == labels).astype(np.float32),
    )


def unsure(found, i, k, threshold):
    return not found.entropy[k, i] < threshold


def unconfident(found, i, k, threshold):
    return not found.confidence[k, i] > threshold


def impatient(found, i, k, threshold):
    """The answer changed within the last `threshold` steps, or there were not so many yet."""
    agreeing, answer = 0, found.predicted[k, i]
    while k - agreeing - 1 >= 1 and found.predicted[k - agreeing - 1, i] == answer:
        agreeing += 1
    return agreeing < threshold


STAYS = {"entropy": unsure, "confidence": unconfident, "patience": impatient}


def walk(stays, found, i, threshold):
    """Follow one image: leave at the first exit after the embedding that does not stay."""
    last = len(found.predicted) - 1
    for k in range(1, last):
        if not stays(found, i, k, threshold):
            return k
    return last


@pytest.mark.parametrize(
    ("rule", "threshold"),
    [(rule, t) for rule in RULES for t in rule.thresholds],
    ids=lambda value: value.name if isinstance(value, Rule) else f"{value:g}",
)
def test_every_rule_is_a_walk_image_by_image(rule, threshold):
    found = exits()
    expected = [walk(STAYS[rule.name], found, i, threshold) for i in range(200)]
    assert rule.taken(found, threshold).tolist() == expected


def by_hand(*answers):
    predicted = np.array(answers, dtype=np.int32).T
    blank = np.zeros(predicted.shape, dtype=np.float32)
    return Exits(predicted, blank, blank, blank)


def test_patience_by_hand():
    """Answers of exits 0 .. 6; exit 0 never counts."""
    found = by_hand(
        (7, 7, 7, 7, 7, 7, 7),  # 7 at exit 1, agreed at 2, 3, ...
        (7, 7, 8, 8, 8, 8, 8),  # 8 at exit 2, agreed at 3, 4, ...
        (1, 2, 1, 2, 1, 2, 1),  # never
        (1, 2, 2, 3, 3, 3, 2),  # 2 agreed once at exit 2, 3 twice at exit 5
        (5, 5, 5, 4, 5, 5, 5),  # a change starts the count anew
    )
    assert PATIENCE.taken(found, 1).tolist() == [2, 3, 6, 2, 2]
    assert PATIENCE.taken(found, 2).tolist() == [3, 4, 6, 5, 6]
    assert PATIENCE.taken(found, 3).tolist() == [4, 5, 6, 6, 6]
    assert PATIENCE.taken(found, 6).tolist() == [6, 6, 6, 6, 6]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_from_strict_to_loose_images_leave_no_later(rule):
    found = exits(seed=1)
    taken = [rule.taken(found, t) for t in rule.thresholds]
    for strict, loose in pairwise(taken):
        assert (loose <= strict).all()
    assert taken[-1].mean() < taken[0].mean()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_embedding_alone_never_answers_and_the_last_exit_always_may(rule):
    sure = exits()
    sure = dataclasses.replace(
        sure,
        predicted=np.zeros_like(sure.predicted),
        entropy=np.zeros_like(sure.entropy),
        confidence=np.ones_like(sure.confidence),
    )
    assert rule.taken(sure, rule.thresholds[-1]).min() >= 1
    unsure = dataclasses.replace(
        sure,
        predicted=np.indices(sure.predicted.shape)[0].astype(np.int32),
        entropy=sure.entropy + 9,
        confidence=sure.confidence * 0,
    )
    assert set(rule.taken(unsure, rule.thresholds[0])) == {6}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_network_of_no_or_one_block_has_one_exit_that_answers(rule):
    for depth in (0, 1):
        found = exits(depth=depth)
        assert set(rule.taken(found, rule.thresholds[-1])) == {depth}


def test_asking_does_not_change_what_was_measured():
    found, untouched = exits(), exits()
    for rule in RULES:
        for threshold in rule.thresholds:
            rule.taken(found, threshold)
    for field in dataclasses.fields(Exits):
        assert np.array_equal(getattr(found, field.name), getattr(untouched, field.name))


def test_the_trade_off_is_a_sum_over_images():
    found = exits(n=50)
    flops, times = [1, 10, 100, 1000, 1e4, 1e5, 1e6], [0.5, 1, 2, 3, 4, 5, 6]
    point = operating(ENTROPY, 0.7, found, Prices(flops, times, times))
    taken = [walk(unsure, found, i, 0.7) for i in range(50)]
    right = sum(found.correct[k, i] for i, k in enumerate(taken))
    assert (point.rule, point.threshold) == ("entropy", 0.7)
    assert point.mean_exit == pytest.approx(sum(taken) / 50)
    assert point.flops == pytest.approx(sum(flops[k] for k in taken) / 50)
    assert point.milliseconds == pytest.approx(sum(times[k] for k in taken) / 50)
    assert point.left == pytest.approx([taken.count(k) / 50 for k in range(7)])
    assert point.accuracy.value == pytest.approx(right / 50)
    wilson = proportion_confint(right, 50, method="wilson")
    assert (point.accuracy.low, point.accuracy.high) == pytest.approx(wilson)


def spent_on(there, k):
    """Milliseconds that so many examples need from exit k - 1 to k, exit 1 from the beginning."""
    first = (PRICES.milliseconds[k], PRICES.together[k])
    before = (PRICES.milliseconds[k - 1], PRICES.together[k - 1]) if k > 1 else (0, 0)
    one, all_ = first[0] - before[0], first[1] - before[1]
    return float(np.interp(there, [1, BATCH], [one, all_])) if there else 0.0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_time_in_a_batch_is_its_mean_over_all_batches(rule):
    """Of so many examples that are still there, each with its binomial probability."""
    for threshold in rule.thresholds:
        taken = rule.taken(exits(seed=2), threshold)
        expected = sum(
            binom.pmf(there, BATCH, (taken >= k).mean()) * spent_on(there, k)
            for k in range(1, 7)
            for there in range(BATCH + 1)
        )
        assert PRICES.in_a_batch(taken) == pytest.approx(expected / BATCH, rel=1e-12)


@pytest.mark.parametrize("k", range(1, 7))
def test_a_batch_that_leaves_together_takes_what_was_measured(k):
    assert PRICES.in_a_batch(np.full(9, k)) == pytest.approx(PRICES.together[k] / BATCH)


def test_a_network_without_blocks_is_paid_once():
    assert Prices([1], [2.0], [3.2]).in_a_batch(np.zeros(5, int)) == pytest.approx(3.2 / BATCH)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize("tolerance", [0.001, 0.02, 0.3])
def test_the_cheapest_threshold_within_the_tolerance_is_chosen(rule, tolerance):
    found, flops = exits(seed=3), PRICES.flops
    allowed = np.floor(tolerance * 200 + 1e-9)
    good = {}
    for threshold in rule.thresholds:
        taken = [walk(STAYS[rule.name], found, i, threshold) for i in range(200)]
        right = found.correct[taken, np.arange(200)].sum()
        if found.correct[-1].sum() - right <= allowed:
            good[threshold] = sum(flops[k] for k in taken)
    best = chosen(rule, found, PRICES, tolerance)
    assert best in rule.thresholds
    if good:
        assert good[best] == min(good.values())
    else:
        assert best == rule.thresholds[0]


def test_where_no_threshold_is_within_the_tolerance_the_strictest_is_taken():
    found = exits()
    right = np.zeros_like(found.correct)
    right[-1] = 1
    sure = dataclasses.replace(found, correct=right, entropy=found.entropy * 0)
    assert chosen(ENTROPY, sure, PRICES, 0.02) == ENTROPY.thresholds[0]


@pytest.mark.parametrize("right", [99, 98, 97, 96, 93, 70, 51])
def test_a_loss_of_exactly_the_tolerance_is_within_it(right):
    """Of 100 images; float32 means differ from the fractions that they stand for."""
    correct = np.zeros((3, 100), np.float32)
    correct[1, : right - 2] = correct[2, :right] = 1
    found = Exits(np.zeros((3, 100), np.int32), correct * 0 + 1, correct * 0, correct)
    few = Prices((1, 2, 3), (0, 0, 0), (0, 0, 0))
    assert chosen(CONFIDENCE, found, few, 0.02) == CONFIDENCE.thresholds[0]
    never = dataclasses.replace(found, entropy=correct * 0 + np.float32(0.6))
    assert chosen(ENTROPY, never, few, 0.02) == 0.7
    assert chosen(ENTROPY, never, few, 0.019) == ENTROPY.thresholds[0]


def test_what_is_chosen_is_chosen_on_one_set_of_images():
    """There is no way to hand it the test images beside those of validation."""
    parameters = inspect.signature(chosen).parameters
    assert [n for n, p in parameters.items() if "Exits" in str(p.annotation)] == ["validation"]
