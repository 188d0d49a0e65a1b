"""Findings over seeds against scipy's Student intervals, and the pairing by class order."""

import math

import numpy as np
import pytest
from scipy import stats

from acn_eval.results import Cell, CheckpointId, DataId, EvalResult
from acn_eval.studies.compare import compare
from acn_eval.studies.continual.accuracy_matrix import AccuracyMatrix
from acn_eval.studies.continual.findings import contrast, matrix_of, spread, standing
from tests.statistics.results import PAIRED

IMAGES = (30, 40, 50)


def result(connectivity, seed, *, method="naive", joint=False, declared=None):
    """A result whose answers are random, harder for later stages; alike for equal arguments."""
    rng = np.random.default_rng([seed, len(connectivity), len(method), joint])
    stages, tasks, n = (1 if joint else 3), len(IMAGES), sum(IMAGES)
    task = np.repeat(np.arange(tasks), IMAGES)
    right = rng.random((stages, n)) < rng.uniform(0.4, 0.9, (stages, tasks))[:, task]
    known = right & (rng.random((stages, n)) < 0.7)
    counts = {
        name: [np.bincount(task[row], minlength=tasks).tolist() for row in rows]
        for name, rows in (("task_il", right), ("class_il", known))
    }
    cells = tuple(
        Cell(
            {"corruption": "clean", "level": 0.0, "tasks": t, "scenario": name},
            np.arange(n),
            rows[i].astype(np.float32),
            primary=name == "task_il" and t == tasks,
        )
        for name, rows in (("task_il", right), ("class_il", known))
        for i, t in enumerate([tasks] if joint else range(1, tasks + 1))
    )
    return EvalResult(
        checkpoint=CheckpointId(
            name=f"{connectivity} L4 {method} seed {seed}",
            uri="suite:fake",
            sha256=f"{connectivity}{method}{seed}{joint}",
            arch={"kind": "mixer", "connectivity": connectivity, "depth": 4},
            parameters=1,
            flops=1,
            preprocessing={"size": 8},
            training={
                "seed": seed,
                "data_order": "tasks v1",
                "method": method,
                "paired_seeds": declared,
            },
        ),
        data=DataId("npz:fake", "test", n, "f" * 16, ("a", "b", "c")),
        suite={"kind": "continual", "name": "fake"},
        seed=0,
        precision="fp32",
        device="cpu",
        noise_version=1,
        noise_digest="",
        certificate={},
        versions={},
        cells=cells,
        skipped=(),
        created_ms=0,
        details={"matrix": {"images": list(IMAGES), **counts}},
    )


def side(connectivity, seeds=range(5), **options):
    return [result(connectivity, seed, **options) for seed in seeds]


def test_a_matrix_is_counts_by_images():
    one = result("acn", 0)
    values = matrix_of(one, "class_il").values
    assert values.shape == (3, 3)
    cell = next(
        c for c in one.cells if c.condition["tasks"] == 2 and "class" in c.condition["scenario"]
    )
    assert values[1, 1] == pytest.approx(cell.values[30:70].mean())


def test_limits_are_those_of_scipy():
    values = np.array([0.2, 0.5, 0.3, 0.4])
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    found = spread(values)
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high))
    assert math.isnan(spread(values[:1]).low)
    assert spread(np.array([0.9, 1.0, 0.99])).high == 1.0
    wide = spread(np.array([0.1, 0.9]), 0.0)
    assert (wide.low, wide.high) == (0.0, 1.0)
    assert spread(np.array([-0.4, 0.4])).low == -1.0


@pytest.mark.parametrize("declared", [None, PAIRED])
def test_findings_are_paired_where_that_is_declared_whatever_the_order_of_files(declared):
    ours, theirs = (side(name, declared=declared) for name in ("acn", "residual"))
    compared = compare(ours, theirs[::-1])
    assert compared.paired_seeds == bool(declared)
    found = {f.name: f for f in compared.findings}
    measure = [
        [AccuracyMatrix(matrix_of(r).values).forgetting_best for r in each]
        for each in (ours, theirs)
    ]
    mean = 100 * float(np.mean(measure[0]) - np.mean(measure[1]))
    test = stats.ttest_rel(*measure) if declared else stats.ttest_ind(*measure, equal_var=False)
    low, high = (100 * limit for limit in test.confidence_interval())
    forgetting = found["forgetting, best ever, task-IL"]
    assert forgetting.unit == "%"
    assert forgetting.candidate.value == pytest.approx(100 * np.mean(measure[0]))
    got = forgetting.difference
    assert (got.value, got.low, got.high) == pytest.approx((mean, low, high))
    assert len(found) == 12
    for measure_ in ("forgetting", "average accuracy"):
        alone, listed = (
            contrast(ours, theirs, measure_, "task_il"),
            found[f"{measure_}, task-IL"].difference,
        )
        assert [100 * x for x in vars(alone).values()] == pytest.approx([*vars(listed).values()])
    assert math.isnan(contrast(ours[:1], theirs, "forgetting", "task_il").low)


def test_the_primary_end_point_is_task_il_after_the_last_task():
    ours, theirs = side("acn"), side("residual")
    compared = compare(ours, theirs)
    assert compared.primary.name == "accuracy after the last task"
    last = [c.values.mean() for r in ours for c in r.cells if c.primary]
    assert len(last) == 5
    assert compared.primary.candidate.value == pytest.approx(np.mean(last))


def test_the_verdict_is_on_forgetting_beside_learning():
    compared = compare(side("acn"), side("residual"))
    found = {f.name: f.difference for f in compared.findings}
    names = ("forgetting, task-IL", "accuracy right after learning, task-IL")
    assert compared.claim.evidence == {name: found[name] for name in names}
    for name in names:
        assert f"{found[name].value:+.1f} points [" in compared.claim.certainty


def test_joint_training_forgets_nothing_so_what_it_knows_decides():
    sides = [side(name, joint=True, method="joint") for name in ("acn", "residual")]
    assert "accuracy after the last task" in compare(*sides).claim.sentence


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_claim_nothing_and_find_nothing(seeds):
    compared = compare(side("acn", range(seeds)), side("residual", range(seeds)))
    assert compared.claim.verdict == "none"
    assert f"{seeds} and {seeds} training seeds are too few" in compared.claim.sentence
    assert compared.findings == ()


def test_joint_training_has_no_forgetting_and_is_the_reference_of_intransigence():
    joint = side("acn", joint=True, method="joint")
    assert set(standing(joint)) == {
        "average accuracy, task-IL",
        "average accuracy, class-IL",
    }
    naive = side("acn")
    found = standing(naive, joint)["intransigence"]
    each = [
        np.mean(matrix_of(j).values[-1] - np.diagonal(matrix_of(r).values))
        for r, j in zip(naive, joint, strict=True)
    ]
    assert found.value == pytest.approx(np.mean(each))
    assert "intransigence" not in standing(naive, joint[:3])
    assert contrast(joint, joint, "forgetting", "task_il") is None
