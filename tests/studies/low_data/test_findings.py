"""Low data: the area, losses and parts of the variance, from results with one draw each."""

import numpy as np
import pytest
from scipy import integrate, stats

from acn_eval.statistics.architectures import crossed
from acn_eval.studies.compare import compare
from acn_eval.studies.low_data.findings import learning_findings, log_trapezoid
from acn_eval.studies.low_data.variance import components
from tests.statistics.results import PAIRED, cell, result

SIZES = (5, 20, 50)
DRAWS, REPEATS, N = 5, 2, 40
SUITE = {"kind": "low_data", "name": "low_data"}


def condition(k, repeat):
    return {"corruption": "clean", "level": 0.0, "per_class": k, "repeat": repeat}


def tables(rng, gain):
    """Correctness and losses (draws, sizes, repeats, images) of one side."""
    ease = rng.normal(0, 1, N)
    draw = rng.normal(0, 0.3, (DRAWS, 1, 1, 1))
    size = np.log(SIZES)[:, None, None] - 3 + gain
    logit = ease + draw + size + rng.normal(0, 0.5, (DRAWS, len(SIZES), REPEATS, N))
    return (logit > 0).astype(float), np.log1p(np.exp(-2 * logit))


def draw_of(name, draw, correct, loss, declared=None, ids=None):
    cells = []
    for i, k in enumerate(SIZES):
        for s in range(REPEATS):
            cells.append(cell(condition(k, s), correct[i, s], ids, primary=True))
            cells.append(cell(condition(k, s), loss[i, s], ids, measure="loss"))
    about = {
        "sha256": f"{name} {draw}",
        "arch": {"connectivity": name},
        "training": {"seed": draw, "data_order": "subsets v1", "paired_seeds": declared},
    }
    return result(f"{name} draw {draw}", cells, about=about, suite=SUITE)


def side(name, table, draws=DRAWS, declared=None):
    return [draw_of(name, d, table[0][d], table[1][d], declared) for d in range(draws)]


@pytest.fixture(scope="module")
def arms():
    rng = np.random.default_rng(0)
    return tables(rng, 0.6), tables(rng, 0.0)


def weights():
    x = np.log(SIZES)
    unit = np.eye(len(SIZES))
    return np.array([integrate.trapezoid(e, x) for e in unit]) / (x[-1] - x[0])


def test_the_area_is_scipys_trapezoid(arms):
    (ours, _), (theirs, _) = arms
    found = compare(side("acn", arms[0]), side("residual", arms[1]))
    x = np.log(SIZES)
    areas = [
        integrate.trapezoid(t.mean(axis=(0, 2, 3)), x) / (x[-1] - x[0]) for t in (ours, theirs)
    ]
    assert found.primary.candidate.value == pytest.approx(areas[0])
    assert found.primary.baseline.value == pytest.approx(areas[1])
    assert found.primary.name == "area over log size"
    assert [row.condition["per_class"] for row in found.rows] == list(SIZES)


@pytest.mark.parametrize("declared", [None, PAIRED])
def test_draws_are_the_rows_and_are_paired_where_that_is_declared(arms, declared):
    sides = [
        side(name, own, declared=declared)
        for name, own in zip(("acn", "residual"), arms, strict=True)
    ]
    found = compare(sides[0], sides[1][::-1])
    areas = [np.einsum("k,dksi->di", weights(), t[0]) / REPEATS for t in arms]
    expected = crossed(areas[0] - areas[1]) if declared else crossed(areas[0], -areas[1])
    assert found.unit == "architectures"
    assert found.paired_seeds == bool(declared)
    assert found.primary.difference.value == pytest.approx(expected.value)
    assert found.primary.difference.low == pytest.approx(expected.interval().low)
    assert found.primary.p == pytest.approx(expected.p())
    assert found.replicate == "draw"


def test_fewer_than_five_draws_support_no_claim(arms):
    found = compare(side("acn", arms[0], 4), side("residual", arms[1], 4))
    assert found.claim.verdict == "none"
    assert found.claim.sentence.startswith("4 and 4 draws are too few to compare")
    whole = compare(side("acn", arms[0]), side("residual", arms[1]))
    assert whole.claim.verdict == "better"
    assert "learns more from little data" in whole.claim.sentence


def findings(arms, draws=DRAWS):
    found = compare(side("acn", arms[0], draws), side("residual", arms[1], draws)).findings
    return {finding.name: finding for finding in found}


def test_losses_per_size(arms):
    found = findings(arms)
    for i, k in enumerate(SIZES):
        loss = found[f"loss, {k} per class"]
        ours, theirs = (t[1][:, i].mean(axis=1) for t in arms)
        assert loss.unit == "nats"
        for stated, student in (
            (loss.candidate, crossed(ours)),
            (loss.baseline, crossed(theirs)),
            (loss.difference, crossed(ours, -theirs)),
        ):
            assert (stated.value, stated.low, stated.high) == pytest.approx(
                (student.value, *student.interval())
            )


def test_losses_of_too_few_draws_vary_over_images_alone(arms):
    loss = findings(arms, 2)["loss, 5 per class"]
    per_image = (arms[0][1][:2, 0] - arms[1][1][:2, 0]).mean(axis=(0, 1))
    expected = stats.ttest_1samp(per_image, 0).confidence_interval()
    assert (loss.difference.low, loss.difference.high) == pytest.approx(tuple(expected))
    assert loss.note.endswith("over images")


def test_parts_of_the_variance(arms):
    found = findings(arms)
    for which, table in (("candidate", arms[0][0]), ("baseline", arms[1][0])):
        expected = components(np.einsum("k,dksi->dsi", weights(), table))
        for name, e in expected.items():
            finding = found[f"variance of the area: {name}"]
            assert getattr(finding, which).value == pytest.approx(1e4 * e.value)
            assert getattr(finding, which).low == pytest.approx(1e4 * e.low)
            assert finding.unit == "points²"


def test_one_draw_has_no_parts(arms):
    assert not [name for name in findings(arms, 1) if "variance" in name]


def test_images_are_matched_by_id(arms):
    """One draw lists its images in another order: nothing changes."""
    straight = findings(arms)
    shuffled = side("acn", arms[0])
    order = np.random.default_rng(1).permutation(N)
    correct, loss = (table[2][..., order] for table in arms[0])
    shuffled[2] = draw_of("acn", 2, correct, loss, ids=order)
    found = compare(shuffled, side("residual", arms[1])).findings
    assert {f.name: f for f in found} == straight


def test_other_images_or_sizes_are_not_averaged(arms):
    from acn_eval.statistics.design import Design

    ours, theirs = side("acn", arms[0]), side("residual", arms[1])
    odd = draw_of("acn", 2, arms[0][0][2], arms[0][1][2], ids=np.arange(1, N + 1))
    for broken in (odd, result("acn draw 2", odd.cells[:-1], suite=SUITE)):
        design = Design("architectures", (0, 1, 2, 3, 4))
        found = learning_findings(design, [*ours[:2], broken, *ours[3:]], theirs)
        assert [f.name for f in found if f.name.startswith("loss")] == []


@pytest.mark.parametrize("sizes", [(7,), (1, 2), (50, 5, 20), (1, 10, 100, 1000)])
def test_weights_are_those_of_the_trapezoid_rule(sizes):
    found = log_trapezoid([{"per_class": k} for k in sizes])
    if len(sizes) == 1:
        assert found.tolist() == [1.0]
        return
    order = np.argsort(sizes)
    x = np.log(sizes)[order]
    expected = [integrate.trapezoid(e, x) for e in np.eye(len(sizes))]
    assert found[order] == pytest.approx(expected)
