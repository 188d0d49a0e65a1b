"""Verdicts: every kind of claim from results that call for it."""

import numpy as np
import pytest

from acn_eval.statistics import compare
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
    assert "more robust; mean corrupted +25.0 points" in found.sentence
    assert list(found.evidence) == ["corrupted", "corrupted - clean", "loss in logits"]
    assert all(estimate.low > 0 for estimate in found.evidence.values())


def test_less_robust_is_the_mirror():
    assert claim_on((0.95, 0.7, 0.5), (0.95, 0.9, 0.8)).verdict == "worse"


def test_the_same_loss_in_logits_depends_on_the_scale():
    """From 91.3 and 95.7 clean, 2 logits cost -16.4 points and -12.0 in drop."""
    found = claim_on((0.913, 0.587, 0.587), (0.957, 0.751, 0.751))
    assert found.verdict == "depends"
    assert "depends on scale or clean accuracy: corrupted - clean -12.0 points" in found.sentence
    assert found.evidence["corrupted"].high < 0
    assert found.evidence["corrupted - clean"].high < 0
    assert found.evidence["loss in logits"].high > 0


def test_better_everywhere_alike_is_clean_accuracy():
    assert claim_on((0.9, 0.7, 0.7), (0.8, 0.6, 0.6)).verdict == "depends"


def test_tie_says_what_could_have_been_seen():
    rng = np.random.default_rng(0)
    sides = [simple(n, *(outcomes(0.8, 360, rng) for _ in range(3))) for n in ("acn", "res")]
    found = compare(sides[:1], sides[1:])
    assert found.claim.verdict == "tie"
    assert "no difference detected" in found.claim.sentence
    assert f"could have seen {100 * found.primary.mde:.1f} points" in found.claim.sentence


def test_three_discordant_images_are_undecidable():
    assert claim_on((0.9, 0.801, 0.801), (0.9, 0.8, 0.8)).verdict == "undecidable"


def test_identical_files_are_identical_and_one_file_read_twice_is_not():
    values = [share(a) for a in (0.9, 0.8, 0.7)]
    one = simple("acn", *values, about={"sha256": "same"})
    copy = simple("acn_copy", *values, about={"sha256": "same"})
    assert compare([one], [copy]).claim.verdict == "identical"
    other_reading = simple("res", *values, about={"sha256": "same"})
    assert compare([one], [other_reading]).claim.verdict == "undecidable"
    scaled = {"sha256": "same", "preprocessing": {"size": 8, "std": [2]}}
    assert compare([one], [simple("acn", *values, about=scaled)]).claim.verdict == "undecidable"


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
    assert (
        f"no claim on the architectures from {left} and {right} training seeds" in claim.sentence
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
    assert claim.sentence.startswith("acn (5 seeds) against res (5 seeds): more robust")
