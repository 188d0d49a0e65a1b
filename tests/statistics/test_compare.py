"""compare() and summarize() on hand-made results."""

import subprocess
import sys

import numpy as np
import pytest

from acn_eval.statistics.score import BoundedSample
from acn_eval.studies.compare import compare
from tests.statistics.results import (
    CLEAN,
    STRONG,
    WEAK,
    cell,
    one,
    outcomes,
    result,
    seeds,
    simple,
)


def test_primary_end_point_is_the_mean_over_primary_cells_within_the_example(rng):
    sides = one("acn", (0.95, 0.9, 0.8), rng), one("res", (0.95, 0.8, 0.6), rng)
    means = [(s.cells[1].values + s.cells[2].values) / 2 for s in sides]
    primary = compare(sides[:1], sides[1:]).primary
    expected = BoundedSample.of(means[0] - means[1])
    assert primary.name == "mean corrupted"
    assert (primary.difference.low, primary.difference.high) == pytest.approx(expected.interval())
    assert primary.p == primary.p_holm


def test_suite_without_primary_cells_is_summarized_by_all(rng):
    sides = [
        result(n, [cell(c, outcomes(0.8, 50, rng), primary=False) for c in (CLEAN, WEAK)])
        for n in ("acn", "res")
    ]
    assert compare(sides[:1], sides[1:]).primary.name == "mean of all conditions"


def test_swapping_the_sides_mirrors_the_comparison(rng):
    sides = one("acn", (0.95, 0.9, 0.8), rng), one("res", (0.95, 0.8, 0.6), rng)
    forth, back = compare(sides[:1], sides[1:]), compare(sides[1:], sides[:1])
    for a, b in zip((*forth.rows, forth.primary), (*back.rows, back.primary), strict=True):
        assert a.difference.low == pytest.approx(-b.difference.high, abs=1e-8)
        assert a.p_holm == pytest.approx(b.p_holm)
        assert a.mde == pytest.approx(b.mde)


def test_order_of_examples_and_files_does_not_matter(rng):
    left, right = seeds("acn", (0.9, 0.8, 0.7), rng), seeds("res", (0.9, 0.7, 0.5), rng)
    order = rng.permutation(360)
    shuffled = [
        result(
            r.checkpoint.name,
            [cell(c.condition, c.values[order], ids=order) for c in r.cells],
            about={"sha256": r.checkpoint.sha256, "training": r.checkpoint.training},
        )
        for r in right[::-1]
    ]
    a, b = compare(left, right).primary, compare(left, shuffled).primary
    assert (a.p, a.difference.low) == pytest.approx((b.p, b.difference.low))


def test_ratio_and_its_absence(rng):
    found = compare([one("acn", (0.9, 0.9, 0.8), rng)], [one("res", (0.9, 0.7, 0.6), rng)])
    errors = [1 - (row.value) for row in (found.primary.candidate, found.primary.baseline)]
    assert found.ratio.value == pytest.approx(errors[0] / errors[1])
    perfect = simple("res", *[np.ones(360)] * 3)
    found = compare([one("acn", (0.9, 0.9, 0.8), rng)], [perfect])
    assert found.ratio is None
    assert any("mean corruption error is undefined" in warning for warning in found.warnings)


def test_labels_and_seeds(rng):
    found = compare(seeds("acn", (0.9, 0.8, 0.7), rng), [one("res", (0.9, 0.8, 0.7), rng)])
    assert (found.candidate.label, found.candidate.seeds) == ("acn (5 seeds)", (0, 1, 2, 3, 4))
    assert (found.baseline.label, len(found.baseline.keys)) == ("res", 1)
    assert (found.suite, found.data) == ("robustness", "npz:toy test")


def test_claim_without_clean_examples_depends(rng):
    sides = [
        result(name, [cell(STRONG, outcomes(share, 360, rng))])
        for name, share in (("acn", 0.9), ("res", 0.5))
    ]
    claim = compare(sides[:1], sides[1:]).claim
    assert claim.verdict == "depends"
    assert "clean accuracy was not measured" in claim.sentence


def test_drop_lies_between_minus_two_and_two():
    """Three examples lost by noise alone: left-over mass sits at the ends of [-2, 2]."""
    n = 100
    full, noisy = np.ones(n), (np.arange(n) >= 3).astype(float)
    found = compare([simple("acn", full, noisy, noisy)], [simple("res", full, full, full)])
    drop = found.claim.evidence["corrupted - clean"]
    expected = BoundedSample.of(noisy - full, (-2.0, 2.0)).interval()
    assert (drop.low, drop.high) == pytest.approx(expected)


def test_storing_and_comparing_do_not_import_pandas():
    script = """
import sys
import numpy as np
from acn_eval.cells import encoded
from acn_eval.studies.compare import compare
from tests.statistics.results import one
sides = [one(name, (0.9, 0.8, 0.6), np.random.default_rng(1)) for name in ("acn", "res")]
encoded(sides[0].cells)
print(compare(sides[:1], sides[1:]).primary.p <= 1, "pandas" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True False\n"
