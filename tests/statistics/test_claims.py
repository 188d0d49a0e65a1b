"""Verdicts: every kind of claim from results that call for it."""

import math
import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

import acn_eval
from acn_eval.statistics.claims import Case, Evidence, Sample, claim, trade_claim
from acn_eval.statistics.comparison import Estimate, Finding, Said
from acn_eval.studies.compare import compare
from acn_eval.studies.table import analysis_of
from acn_eval.terminal.comparisons import _STYLE
from tests.statistics.results import outcomes, simple


def share(accuracy, n=3000):
    """Nested outcomes: every image is classified by the accuracy alone."""
    return (np.arange(n) < round(accuracy * n)).astype(float)


def claim_on(candidate, baseline):
    sides = [simple(name, *map(share, s)) for name, s in (("acn", candidate), ("res", baseline))]
    return compare(sides[:1], sides[1:]).claim


def test_more_robust_needs_all_three_differences():
    found = claim_on((0.95, 0.9, 0.8), (0.95, 0.7, 0.5))
    assert found.verdict == "better"
    assert found.sentence == ("acn is more robust than res: mean corrupted 85.0 against 60.0 %.")
    assert found.certainty.startswith("The difference is +25.0 points [")
    assert "] (95 % interval over 3,000 examples), p < 0.001; " in found.certainty
    assert list(found.evidence) == ["corrupted", "corrupted - clean", "loss in logits"]
    assert all(estimate.low > 0 for estimate in found.evidence.values())


def test_less_robust_is_the_mirror():
    assert claim_on((0.95, 0.7, 0.5), (0.95, 0.9, 0.8)).verdict == "worse"


def test_the_same_loss_in_logits_depends_on_the_scale():
    """From 91.3 and 95.7 clean, 2 logits cost -16.4 points and -12.0 in drop."""
    found = claim_on((0.913, 0.587, 0.587), (0.957, 0.751, 0.751))
    assert found.verdict == "depends"
    assert found.sentence == (
        "acn has lower corrupted accuracy than res, but also lower clean accuracy: "
        "mean corrupted 58.7 against 75.1 %, clean 91.3 against 95.7 %."
    )
    assert "; relative to clean accuracy the difference is -12.0 points [" in found.certainty
    assert found.evidence["corrupted"].high < 0
    assert found.evidence["corrupted - clean"].high < 0
    assert found.evidence["loss in logits"].high > 0


def test_better_everywhere_alike_is_clean_accuracy():
    assert claim_on((0.9, 0.7, 0.7), (0.8, 0.6, 0.6)).verdict == "depends"


def alike(n, margin, seeds=1):
    """Two sides of equal accuracy, in a suite that states a margin, or none."""
    rng = np.random.default_rng(0)
    suite = {"name": "robustness", "repeats": 1, "equivalence_margin": margin}
    sides = [
        [
            simple(
                name,
                *(outcomes(0.8, n, rng) for _ in range(3)),
                suite=suite,
                about={"sha256": f"{name} {s}"},
            )
            for s in range(seeds)
        ]
        for name in ("acn", "res")
    ]
    return compare(*sides)


def test_a_loss_on_one_scale_alone_depends_on_the_scale():
    words = analysis_of({}).endpoint_of({})
    evidence = Evidence(
        Estimate(-0.03, -0.05, -0.01),
        drop=Estimate(-0.04, -0.06, -0.02),
        logit=Estimate(-0.1, -0.5, 0.3),
        clean=(0.83, 0.82),
    )
    found = claim(Case(("acn", "res"), words, Sample(360, 0)), alike(360, None).primary, evidence)
    assert found.verdict == "depends"
    assert found.sentence.startswith(
        "acn has lower corrupted accuracy than res, but its loss from clean accuracy depends on "
        "the scale: mean corrupted "
    )
    assert found.sentence.endswith(", clean 83.0 against 82.0 %.")


def test_what_is_not_detected_is_undecided_and_says_what_is_detectable():
    found = alike(360, None)
    assert found.claim.verdict == "undecided"
    assert found.claim.equivalence is None
    assert "No difference between acn and res was detected: mean" in found.claim.sentence
    sure = found.claim.certainty
    least = f"differences below {100 * found.primary.mde:.1f} points are not reliably detectable"
    assert f"{least} (80 % power); " in sure
    assert sure.endswith("; the suite states no margin, so a tie cannot be shown.")


def test_a_tie_is_limits_within_the_margin_and_undecided_says_what_would_decide():
    wide, narrow = alike(360, 0.02), alike(20_000, 0.02)
    assert wide.claim.verdict == "undecided"
    equal = wide.claim.equivalence
    assert equal.low < -0.02
    needed = f"; a tie needs about {math.ceil(360 * equal.growth):,} examples."
    assert wide.claim.certainty.endswith(needed)
    assert wide.claim.sentence.startswith(
        "No difference between acn and res was detected, nor are they shown to be equivalent "
        "within 2.0 points: mean corrupted "
    )
    assert 360 * equal.growth == pytest.approx(2500, rel=0.5)
    assert narrow.claim.verdict == "tie"
    low, high = 100 * narrow.claim.equivalence.low, 100 * narrow.claim.equivalence.high
    assert narrow.claim.certainty.endswith(f"difference is [{low:+.1f}, {high:+.1f}].")
    assert "acn and res are equivalent within 2.0 points: mean" in narrow.claim.sentence
    row = narrow.primary.difference
    assert row.low < narrow.claim.equivalence.low < narrow.claim.equivalence.high < row.high


def test_seeds_that_a_tie_needs_are_said_with_the_images():
    found = alike(360, 0.01, seeds=4)
    growth = found.claim.equivalence.growth
    words = f"a tie needs about {math.ceil(4 * growth)} seeds per side and "
    assert growth > 1
    assert words + f"{math.ceil(360 * growth):,} examples" in found.claim.certainty
    assert "(95 % interval over training seeds and 360 examples)" in found.claim.certainty


def test_a_difference_off_zero_is_no_tie_however_small():
    suite = {"name": "robustness", "equivalence_margin": 0.02}
    sides = [
        simple(name, *(share(a, 30_000) for a in shares), suite=suite)
        for name, shares in (("acn", (0.9, 0.801, 0.801)), ("res", (0.9, 0.8, 0.8)))
    ]
    found = compare(sides[:1], sides[1:]).claim
    assert found.equivalence.shown
    assert found.verdict == "better"
    assert found.certainty.endswith("; the difference lies within the margin of 2.0 points.")


def test_three_discordant_images_are_too_few_to_decide():
    found = claim_on((0.9, 0.801, 0.801), (0.9, 0.8, 0.8))
    assert found.verdict == "undecided"
    assert "; the two differ on too few examples; " in found.certainty


def test_the_verdicts_of_every_medium_are_one_vocabulary():
    root = Path(acn_eval.__file__).parent
    page = (root.parent / "docs" / "mlflow.md").read_text()
    (listed,) = [line for line in page.splitlines() if line.startswith("| `acn_eval.verdict`")]
    assert re.findall(r"`(\w+)`", listed) == [*get_args(Said)]
    styles = (root / "report" / "templates" / "report.css").read_text()
    assert set(re.findall(r"\.verdict\.(\w+)", styles)) <= {*get_args(Said)}
    assert set(_STYLE) <= {*get_args(Said)}


def test_identical_files_are_identical_and_one_file_read_twice_is_not():
    values = [share(a) for a in (0.9, 0.8, 0.7)]
    one = simple("acn", *values, about={"sha256": "same"})
    copy = simple("acn_copy", *values, about={"sha256": "same"})
    assert compare([one], [copy]).claim.verdict == "identical"
    other_reading = simple("res", *values, about={"sha256": "same"})
    assert compare([one], [other_reading]).claim.verdict == "undecided"
    scaled = {"sha256": "same", "preprocessing": {"size": 8, "std": [2]}}
    assert compare([one], [simple("acn", *values, about=scaled)]).claim.verdict == "undecided"


@pytest.mark.parametrize(("left", "right"), [(2, 2), (5, 1), (1, 3)])
def test_fewer_than_three_seeds_make_no_claim_on_architectures(left, right):
    rng = np.random.default_rng(0)
    sides = [
        [
            simple(name, *(outcomes(a, 360, rng) for a in shares), about={"sha256": f"{name}{s}"})
            for s in range(count)
        ]
        for name, count, shares in (
            ("acn", left, (0.9, 0.9, 0.9)),
            ("res", right, (0.9, 0.5, 0.5)),
        )
    ]
    claim = compare(*sides).claim
    assert claim.verdict == "none"
    assert claim.sentence.startswith(
        f"{left} and {right} training seeds are too few to compare the architectures of acn"
    )


def test_five_seeds_make_one():
    rng = np.random.default_rng(0)
    sides = [
        [
            simple(name, *(outcomes(a, 360, rng) for a in shares), about={"sha256": f"{name}{s}"})
            for s in range(5)
        ]
        for name, shares in (("acn", (0.9, 0.9, 0.9)), ("res", (0.9, 0.5, 0.5)))
    ]
    claim = compare(*sides).claim
    assert claim.verdict == "better"
    assert claim.sentence.startswith("acn (5 seeds) is more robust than res (5 seeds): ")


LESS, MORE, SAME, OPEN = (-6.0, 1.0), (6.0, 1.0), (0.2, 0.5), (-1.0, 4.0)
"""Differences in points: the value, and half of its 95 % interval."""
NONE = "No difference in forgetting was detected"
NEITHER = (
    "No difference between acn and residual was detected, nor are they shown to be equivalent "
    "within 2.0 points: "
)


def finding(name, value, half):
    inner = (value - 0.8 * half, value + 0.8 * half)
    difference = Estimate(value, value - half, value + half)
    return Finding(name, "%", difference, difference, difference, limits_90=inner)


def said(forgotten, learned, margin=0.02):
    words = analysis_of({"kind": "continual"}).endpoint_of({"equivalence_margin": margin})
    both = (finding("forgetting", *forgotten), finding("learning", *learned))
    return trade_claim(Case(("acn", "residual"), words, Sample(0, 5)), *both)


@pytest.mark.parametrize(
    ("forgotten", "learned", "verdict", "words"),
    [
        (LESS, MORE, "better", "acn forgets less than residual: "),
        (LESS, SAME, "better", "acn forgets less than residual: "),
        (LESS, LESS, "depends", "acn forgets less than residual, but learned less: "),
        (LESS, OPEN, "depends", "acn forgets less than residual, but may have learned less: "),
        (MORE, LESS, "worse", "acn forgets more than residual: "),
        (MORE, SAME, "worse", "acn forgets more than residual: "),
        (MORE, MORE, "depends", "acn forgets more than residual, but learned more: "),
        (MORE, OPEN, "depends", "acn forgets more than residual, but may have learned more: "),
        (SAME, SAME, "tie", "acn and residual are equivalent within 2.0 points: "),
        (SAME, OPEN, "undecided", NEITHER),
        (OPEN, SAME, "undecided", NEITHER),
        (OPEN, LESS, "undecided", f"{NONE}, but acn learned less than residual: "),
        (SAME, MORE, "undecided", f"{NONE}, but acn learned more than residual: "),
    ],
)
def test_forgetting_and_learning_stand_side_by_side(forgotten, learned, verdict, words):
    claim = said(forgotten, learned)
    assert claim.verdict == verdict
    assert claim.sentence.startswith(words)
    for name, (value, half) in (("forgetting", forgotten), ("learning", learned)):
        assert f"{name} {value:.1f} against {value:.1f} %" in claim.sentence
        limits = f"[{value - half:+.1f}, {value + half:+.1f}]"
        assert re.search(
            rf"{name} (is )?{re.escape(f'{value:+.1f} points {limits}')}", claim.certainty
        )
    assert list(claim.evidence) == ["forgetting", "learning"]


def test_without_a_margin_only_more_learning_is_no_less():
    assert said(LESS, MORE, margin=None).verdict == "better"
    assert said(LESS, SAME, margin=None).verdict == "depends"
    assert said(SAME, SAME, margin=None).verdict == "undecided"


def test_undecided_says_how_many_seeds_a_tie_needs():
    growth = finding("learning", *OPEN).equivalence(2.0).growth
    assert said(SAME, OPEN).certainty.endswith(
        f"; a tie needs about {math.ceil(5 * growth)} seeds per side."
    )
