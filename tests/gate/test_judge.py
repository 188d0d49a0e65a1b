"""What an adjustment over rules must not leave out."""

import numpy as np

from acn_eval.gate.judge import at_any_stop, at_the_end, decided_after
from acn_eval.gate.rules import Rule
from acn_eval.statistics.sequential import Split

ALPHA = 0.05


def losing(n):
    """A rule that n losses in a row violate, with a margin of 2 points."""
    return Rule("r", "difference", required=True, bound=-0.02, outcomes=np.full(n, -1.0))


def test_a_failure_on_the_way_is_adjusted_over_all_rules():
    """So many losses fail a single rule, and not yet one of sixteen."""
    looks = Split.of(ALPHA).looks
    n = next(n for n in range(2, 99) if at_any_stop([losing(n)], ALPHA)[0].verdict == "fail")
    (alone,) = at_any_stop([losing(n)], ALPHA)
    many = at_any_stop([losing(n)] * 16, ALPHA)
    assert looks / 16 < alone.p_fail <= looks
    assert [row.p_fail for row in many] == [min(1.0, 16 * alone.p_fail)] * 16
    assert {row.verdict for row in many} == {"no_verdict"}
    assert decided_after([losing(n)], ALPHA) == n
    assert decided_after([losing(n)] * 16, ALPHA) == 0
    later = next(
        n for n in range(n, 99) if at_any_stop([losing(n)] * 16, ALPHA)[0].verdict == "fail"
    )
    assert later > n
    assert decided_after([losing(later)] * 16, ALPHA) == later
    assert at_the_end([losing(later)] * 16, ALPHA)[0].verdict == "fail"
