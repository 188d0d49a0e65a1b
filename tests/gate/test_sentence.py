"""The sentence of a verdict says why, with as many decimals as decide."""

from dataclasses import replace

from acn_eval.gate import GateRule, decide
from acn_eval.gate.sentence import line
from acn_eval.statistics import Estimate
from tests.gate.pairs import gate, pair
from tests.gate.sides import rules


def test_a_limit_near_the_margin_is_printed_with_as_many_decimals_as_decide():
    near = GateRule("r", "difference", True, -0.03, 10, Estimate(-0.05, -0.07, -0.03002), 0.95)
    assert (
        line(replace(near, verdict="fail"))
        == "r -5.000 [-7.000, -3.002] points (-3.000 is allowed)"
    )
    plain = replace(near, estimate=Estimate(-0.05, -0.07, -0.031))
    assert line(plain) == "r -5.0 [-7.0, -3.1] points (-3.0 is allowed)"
    odd = replace(plain, bound=-0.0125)
    assert line(odd).endswith("(-1.25 is allowed)")


def test_worse_within_the_margin_says_so():
    verdict = decide(gate(primary=0.05, cell=None), *pair(2000, gaussian_01=(0, 60)))
    assert verdict.verdict == "pass"
    assert verdict.sentence.endswith("within the margin, but worse: mean corrupted.")


def test_few_images_give_no_verdict_and_say_how_many_would():
    verdict = decide(gate(primary=0.01, clean=0.01, cell=None), *pair(50, clean=(1, 1)))
    assert (verdict.verdict, verdict.exit_code) == ("no_verdict", 3)
    needed = rules(verdict)["clean"].images_needed
    assert needed > 4000
    assert "50 examples are too few to judge new against old: mean corrupted" in verdict.sentence
    assert f"needs about {needed:,} examples" in verdict.sentence
