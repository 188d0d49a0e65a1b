"""Real networks, block by block: nothing depends on the blocks, and nothing is done twice."""

from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
import pytest
import yaml

from acn_eval.corruptions import NOISE_VERSION
from acn_eval.errors import ConfigError
from acn_eval.evaluation import Blocks, DataSelection, evaluate, evaluate_blocks
from acn_eval.gate import decide, look, replay
from acn_eval.gate.verdict import Network
from acn_eval.statistics.sequential import order_names
from acn_eval.studies.compare import compare
from acn_eval.studies.robustness.suite import Robustness
from acn_eval.workflow.blocks import until_decided
from tests.gate.pairs import gate
from tests.tiny import SUITE, checkpoint, counting

QUESTIONS = 5
DIGITS = DataSelection(data="digits")


@pytest.fixture
def suite():
    return Robustness.model_validate(yaml.safe_load(SUITE))


def pair_of(folder):
    return [checkpoint(folder, name) for name in ("tiny_ac", "tiny_res")]


def blocks(sides, suite, runtime, size=64):
    named = Blocks(size, order_names(sides[0].id, sides[1].id, suite.name))
    return evaluate_blocks(sides, suite, DIGITS, named, runtime=runtime)


def stopped(toy, sides, suite, runtime, size=64):
    every = blocks(sides, suite, runtime, size)
    return until_decided(partial(look, toy), every, lambda done, total: None)


def test_all_blocks_together_are_the_evaluation(tiny, suite, runtime):
    """A margin that is never cleared, so that every image is shown."""
    sides = pair_of(tiny)
    toy = gate(primary=0.001, clean=None, cell=None).model_copy(update={"suite": "small"})
    found = stopped(toy, sides, suite, runtime)
    whole = evaluate(sides, suite, DIGITS, runtime=runtime)
    if found.verdict.early:
        pytest.fail("the pair differs too much for this test")
    for part, result in zip((found.candidate, found.baseline), whole, strict=True):
        assert part.key == result.key
        assert (part.noise_digest, part.certificate) == (result.noise_digest, result.certificate)
        for left, right in zip(part.cells, result.cells, strict=True):
            assert left.condition == right.condition
            for name in ("values", "predicted", "confidence"):
                ours = dict(zip(left.ids.tolist(), getattr(left, name).tolist(), strict=True))
                theirs = dict(zip(right.ids.tolist(), getattr(right, name).tolist(), strict=True))
                assert ours == pytest.approx(theirs, abs=1e-5)
    named = {"candidate": Network.of(found.candidate), "baseline": Network.of(found.baseline)}
    assert replay(toy, *whole, block=64) == replace(found.verdict, **named)


def test_a_side_that_chose_among_fewer_classes_answered_another_question(tiny, suite, runtime):
    toy = gate().model_copy(update={"suite": "small"})
    selection = DataSelection(data="digits", classes=tuple("012"))
    one, other = (
        evaluate([side], suite, replace(selection, restricted=restricted), runtime=runtime)[0]
        for side, restricted in zip(pair_of(tiny), (True, False), strict=True)
    )
    verdict = decide(toy, one, other)
    assert (verdict.verdict, verdict.rules) == ("no_verdict", ())
    assert "preprocessing, restricted must be that of tiny_ac, True; got None" in verdict.sentence
    with pytest.raises(ConfigError, match="preprocessing, restricted"):
        compare([one], [other])


def test_a_killed_run_does_nothing_twice(tiny, suite, runtime):
    sides = pair_of(tiny)
    done = list(islice(blocks(sides, suite, runtime), 2))
    assert [len(block.shown) for block in done] == [64, 128]
    again = [counting(side) for side in sides]
    rest = list(blocks(again, suite, runtime))
    n = len(rest[-1].whole)
    assert len(rest[-1].shown) == n
    certified = 3 * 64 * len(rest)  # every block certifies its precision on the first images
    for side in again:
        assert 0 <= side.model.images - QUESTIONS * (n - 128) <= certified


def test_a_stop_is_marked_and_nobody_compares_it(tiny, suite, runtime):
    sides = pair_of(tiny)
    toy = gate(primary=0.3, clean=0.3, cell=None).model_copy(update={"suite": "small"})
    found = stopped(toy, sides, suite, runtime, size=32)
    assert found.verdict.early
    n, total = found.verdict.n, found.verdict.total
    assert n < total
    for side in (found.candidate, found.baseline):
        assert side.details["stopped_early"] == {"shown": n, "of": total}
        assert side.data.n == n == len(np.unique(side.cells[0].ids))
        assert side.noise_version == NOISE_VERSION
    assert found.candidate.data.fingerprint == found.baseline.data.fingerprint != ""
    with pytest.raises(ConfigError, match="must be of all examples that were planned"):
        compare([found.candidate], [found.baseline])
    whole = evaluate(sides, suite, DIGITS, runtime=runtime)
    again = replay(toy, *whole, block=32)
    assert (again.verdict, again.n) == (found.verdict.verdict, n)
    assert again.rules == found.verdict.rules
