"""Areas: numpy's trapezoid, per image, every method alike; what is claimed of them."""

from dataclasses import replace

import numpy as np
import pytest

from acn_eval.results import Cell
from acn_eval.statistics.curves import trapezoid
from acn_eval.studies.compare import compare
from acn_eval.studies.pruning.analysis import ANALYSIS, sparsity_trapezoid
from tests.fakes import fake_result

SPARSITIES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95)
MOVEMENT = (0.0, 0.2, 0.36)


def conditions():
    """Two methods, at places of their own, and a third that does not count."""
    clean = {"corruption": "clean", "level": 0.0}
    places = [("magnitude", s) for s in SPARSITIES] + [("movement_20", s) for s in MOVEMENT]
    return [{**clean, "method": m, "sparsity": s} for m, s in places]


@pytest.mark.parametrize("n", [2, 5])
def test_weights_integrate_as_numpy_does_in_any_order(n):
    generator = np.random.default_rng(n)
    x, y = generator.random((2, n))
    order = np.argsort(x)
    assert trapezoid(x) @ y == pytest.approx(np.trapezoid(y[order], x[order]))


def test_the_area_is_the_mean_over_methods_of_the_normalised_areas():
    own = conditions()
    y = np.random.default_rng(0).random(len(own))
    weights = sparsity_trapezoid(own)
    areas = [
        np.trapezoid(y[:7], SPARSITIES) / 0.95,
        np.trapezoid(y[7:], MOVEMENT) / 0.36,
    ]
    assert weights @ y / weights.sum() == pytest.approx(np.mean(areas))


def pruned(name, accuracy, n=400):
    """A network whose accuracy at each sparsity is given, the same images failing first."""
    cells = tuple(
        Cell(
            condition=condition,
            ids=np.arange(n),
            values=(np.arange(n) < accuracy(condition["sparsity"]) * n).astype(np.float32),
            primary=True,
        )
        for condition in conditions()
    )
    blank = fake_result()
    identity = replace(blank.checkpoint, name=name, sha256=name)
    suite = {"kind": "pruning", "name": "pruning"}
    return replace(blank, checkpoint=identity, cells=cells, skipped=(), suite=suite)


def test_bearing_better_is_said_against_the_dense_network():
    """The same dense accuracy, and less of it lost."""
    firm, soft = pruned("firm", lambda s: 0.9 - 0.2 * s), pruned("soft", lambda s: 0.9 - 0.5 * s)
    found = compare([firm], [soft])
    assert found.primary.name == "area over sparsity"
    assert found.claim.verdict == "better"
    assert " is more robust to pruning than " in found.claim.sentence
    assert list(found.claim.evidence) == ["pruned", "pruned - dense", "loss in logits"]
    assert compare([soft], [firm]).claim.verdict == "worse"


@pytest.mark.parametrize("known", [True, False])
def test_other_learning_rates_may_explain_what_pruning_costs(known):
    firm, soft = pruned("firm", lambda s: 0.9 - 0.2 * s), pruned("soft", lambda s: 0.9 - 0.5 * s)
    left, right = (trained_at(r, rate) for r, rate in ((firm, 0.006), (soft, 0.001)))
    found = compare([left], [right if known else soft])
    assert found.claim.verdict == ("depends" if known else "better")
    explained = "but the two differ in learning rate, which may explain it: area over sparsity"
    assert (explained in found.claim.sentence) == known


def trained_at(result, rate):
    training = {**result.checkpoint.training, "learning_rate": rate}
    return replace(result, checkpoint=replace(result.checkpoint, training=training))


def test_a_network_that_is_better_throughout_does_not_bear_sparsity_better():
    high, low = pruned("high", lambda s: 0.9 - 0.3 * s), pruned("low", lambda s: 0.7 - 0.3 * s)
    found = compare([high], [low])
    assert found.primary.difference.value == pytest.approx(0.2, abs=0.01)
    assert found.claim.verdict == "depends"
    assert "relative to dense accuracy the difference is +0.1 points" in found.claim.certainty


def test_sparsity_is_an_axis_and_methods_name_its_lines():
    noisy = {"corruption": "gaussian", "level": 0.1, "method": "magnitude", "sparsity": 0.5}
    cut = {**conditions()[0], "blocks": 2}
    found = ANALYSIS.curves([*conditions(), cut, noisy])
    assert (found.axis.field, found.axis.step(0.95)) == ("sparsity", 950)
    assert list(found.lines) == [
        "clean_magnitude",
        "clean_movement_20",
        "clean_magnitude_blocks_2",
        "gaussian_0.1",
    ]
    assert [p.level for p in found.lines["clean_movement_20"]] == list(MOVEMENT)
