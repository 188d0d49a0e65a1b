"""Robustness: every question is a cell or a skip."""

import pytest

from acn_eval.corruptions import EmbeddingGaussian, Gaussian, SaltPepper
from acn_eval.corruptions.text import Keyboard
from acn_eval.evaluation import DataSelection, evaluate
from acn_eval.studies.compare import compare
from acn_eval.studies.read import read_suite
from acn_eval.studies.robustness.suite import Robustness
from tests.tiny import checkpoint

LIMIT = DataSelection(limit=40)

NOISE = Robustness(name="noise", corruptions=(Gaussian(levels=(0.1, 0.4)), SaltPepper()))


@pytest.fixture
def pair(tiny, device):
    return [checkpoint(tiny, name, device) for name in ("tiny_ac", "tiny_res")]


def test_cells_are_the_questions(pair, runtime):
    for result in evaluate(pair, NOISE, LIMIT, runtime=runtime):
        conditions = [dict(cell.condition) for cell in result.cells]
        assert conditions == [dict(q.condition) for q in NOISE.questions()]
        assert [cell.primary for cell in result.cells] == [False] + [True] * 5
        assert not result.skipped


def test_noise_inside_networks_counts_in_no_mean_with_others():
    inside, typos = EmbeddingGaussian(), Keyboard()
    both = Robustness(name="both", corruptions=(inside, typos))
    counted = [q.condition["corruption"] for q in both.questions() if q.primary]
    assert counted == ["keyboard"] * 3
    alone = Robustness(name="alone", corruptions=(inside,))
    assert [q.primary for q in alone.questions()] == [False, True, True, True]


def test_repeats_are_cells_of_their_own(pair, runtime):
    suite = NOISE.model_copy(update={"repeats": 3})
    (result,) = evaluate(pair[:1], suite, LIMIT, runtime=runtime)
    assert len(result.cells) == 1 + 5 * 3
    assert {c.condition["repeat"] for c in result.cells[1:]} == {0, 1, 2}
    assert "repeat" not in result.cells[0].condition
    assert compare([result], evaluate(pair[1:], suite, LIMIT, runtime=runtime)).n == 40


def test_every_shipped_question_is_a_cell_or_a_skip(pair, runtime):
    suite = read_suite("robustness_common")
    (result,) = evaluate(pair[:1], suite, DataSelection(limit=8), runtime=runtime)
    answered = [c.condition for c in result.cells] + [s.condition for s in result.skipped]
    asked = [q.condition for q in suite.questions()]
    assert sorted(map(str, answered)) == sorted(map(str, asked))
    assert {s.condition["corruption"] for s in result.skipped} == {"jpeg", "saturation"}
