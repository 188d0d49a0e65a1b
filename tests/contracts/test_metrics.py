"""What every metric of the table keeps, and a toy that is one function and one line of it."""

import json
from dataclasses import replace

import numpy as np
import pytest

from acn_eval.errors import ConfigError
from acn_eval.gate import Gate, decide, replay
from acn_eval.gate.sentence import legend
from acn_eval.report.tables import comparison_table as report_table
from acn_eval.statistics.comparison import comparison_key, load_comparison, save_comparison
from acn_eval.statistics.metrics import METRICS
from acn_eval.studies.compare import compare, rank, summarize
from acn_eval.tracking.comparisons import comparison_run
from tests.statistics.results import CLEAN, STRONG, WEAK, result
from tests.statistics.test_metrics import KAPPA, OF_NUMBERS, network, numbers

N = 400
NAMES = [*METRICS, "toy"]


@pytest.fixture(autouse=True)
def _toy(monkeypatch):
    monkeypatch.setitem(METRICS, "toy", KAPPA)


def cells(metric, seed, sharpness):
    labels = np.random.default_rng(7).integers(0, 2, N)
    for k, condition in enumerate((CLEAN, WEAK, STRONG)):
        if metric in OF_NUMBERS:
            own = numbers(10 * seed + k, N, noise=sharpness)
        else:
            own = network(labels, 2, 10 * seed + k, sharpness)[0]
        yield replace(own, condition=condition, primary=condition is not CLEAN)


def side(metric, name, seed, sharpness):
    about = {"about": {"sha256": f"{name}{seed}"}}
    return result(f"{name}_vit {seed}", cells(metric, seed, sharpness), **about)


@pytest.fixture
def pair(name):
    return side(name, "acn", 1, 1.0), side(name, "res", 2, 6.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_comparison_is_in_the_metric_from_json_to_mlflow_and_report(name, pair, tmp_path):
    comparison = compare(pair[:1], pair[1:], metric=name)
    quantity = METRICS[name].quantity
    assert comparison.quantity == quantity
    for row in (*comparison.rows, comparison.primary):
        d = row.difference
        assert d.value == pytest.approx(row.candidate.value - row.baseline.value)
        assert row.band_low <= d.low <= d.value <= d.high <= row.band_high
        assert 0 < row.mde < 10
        assert 0 <= row.p <= row.p_holm <= 1
        assert quantity.scored or row.notes == (METRICS[name].note,)
    primary = comparison.primary.difference
    sides = quantity.sign * np.array([primary.low, primary.high])
    if not quantity.scored:
        verdict = "better" if sides.min() > 0 else "worse" if sides.max() < 0 else "undecided"
        assert comparison.claim.verdict == verdict
    json.dumps(comparison.to_dict(), allow_nan=False)
    folder = save_comparison(comparison, tmp_path)
    assert load_comparison(folder) == comparison
    alike = [other for other in NAMES if (other in OF_NUMBERS) == (name in OF_NUMBERS)]
    keys = {comparison_key(compare(pair[:1], pair[1:], metric=other)) for other in alike}
    assert len(keys) == len(alike)
    run = comparison_run(comparison, {}, "1")
    assert run.params["metric"] == quantity.name
    unit = "_pp" if quantity.scale == 100 else ""
    points = {point.key: point.value for point in run.points}
    assert points[f"diff{unit}/primary"] == pytest.approx(quantity.scale * primary.value)
    table = report_table(comparison, comparison.rows)
    assert quantity.head("acn_vit 1") in table.head[1].replace("\u00a0", " ")
    assert quantity.text(comparison.rows[0].candidate.value) in table.rows[0][1].text


@pytest.mark.parametrize("name", NAMES)
def test_seeds_and_examples_are_crossed_and_entries_ranked(name):
    sides = {
        label: [side(name, label, seed + at, sharp) for seed in (1, 2, 3)]
        for at, (label, sharp) in enumerate((("acn", 1.0), ("res", 6.0)))
    }
    comparison = compare(sides["acn"], sides["res"], metric=name)
    assert comparison.unit == "architectures"
    assert comparison.primary.same_images is not None
    ranking = rank(sides, metric=name)
    values = [METRICS[name].quantity.sign * p.end_point.estimate.value for p in ranking.places]
    assert values == sorted(values, reverse=True)
    assert ranking.quantity == METRICS[name].quantity


@pytest.mark.parametrize("name", NAMES)
def test_a_gate_judges_the_metric_in_its_own_direction(name, pair):
    quantity = METRICS[name].quantity
    scores = [quantity.sign * summarize([one], metric=name)[-1].estimate.value for one in pair]
    better, worse = pair if scores[0] > scores[1] else pair[::-1]
    gap = abs(scores[0] - scores[1])

    def verdict(candidate, baseline, margin):
        gate = Gate(name="toy", metric=name, margins={"primary": margin})
        return decide(gate, candidate, baseline)

    passed = verdict(better, worse, 0.3)
    (row,) = [rule for rule in passed.rules if rule.required]
    assert row.verdict == "pass"
    assert row.bound == pytest.approx(-quantity.sign * 0.3)
    assert row.estimate.low <= row.estimate.value <= row.estimate.high
    assert row.estimate.value * quantity.sign == pytest.approx(gap)
    limit = "lower limit is above" if quantity.sign > 0 else "upper limit is below"
    assert f"passes where its {limit} what is allowed" in legend(passed)
    if gap > 0.2:
        assert verdict(worse, better, 0.05).verdict == "fail"
    floors = Gate(name="toy", metric=name, margins={"primary": 0.3}, floors={"clean": 0.5})
    own = decide(floors, better, worse).rules[1]
    value = summarize([better], metric=name)[0].estimate.value
    assert own.estimate.value == pytest.approx(value)
    assert own.bound == 0.5
    if not quantity.scored:
        with pytest.raises(ConfigError, match="where there are interim looks"):
            replay(floors, better, worse)


def test_margins_of_shares_are_fractions_and_others_are_in_their_unit():
    assert Gate(name="toy", metric="nll", margins={"primary": 1.5}).margins.primary == 1.5
    for name in ("accuracy", "ece", "balanced_accuracy", "f1"):
        with pytest.raises(ValueError, match="primary must be a fraction of 1"):
            Gate(name="toy", metric=name, margins={"primary": 1.5})
