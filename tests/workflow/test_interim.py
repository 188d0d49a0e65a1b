"""Two checkpoints, block by block: what is refused, where it stops, and what is kept."""

import pytest

from acn_eval.errors import ConfigError
from acn_eval.evaluation import DataSelection
from acn_eval.results import EvalResult
from acn_eval.run_options import RunOptions
from acn_eval.workflow import compare_in_blocks, run, save_stopped
from tests.gate.shop import open_shop

SIDES = {"candidates": ("tiny_ac.pt",), "baselines": ("tiny_res.pt",)}
PLACE = {"suite": "small.yaml", "device": "cpu", "precision": "fp32", "track": False}


def options(**changes):
    return RunOptions(**{**PLACE, **SIDES, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": "brier_score"}, "metric must be accuracy; got brier_score"),
        ({"baselines": ()}, "one candidate and one baseline; got 1 and 0"),
        ({"candidates": ("tiny_ac.pt", "ac_vit.pt")}, "got 2 and 1"),
        ({"baselines": ("tiny_ac.pt",)}, "about two networks; got tiny_ac twice"),
        ({"suite": "compression"}, "suite must judge each image by itself; got compression"),
    ],
)
def test_what_bets_cannot_judge_is_refused_before_anything_is_shown(folder, changes, said):
    with pytest.raises(ConfigError, match=f"`sequential`: .*{said}"):
        compare_in_blocks(options(**changes), pytest.fail)


def test_a_run_to_the_end_keeps_the_results_of_an_ordinary_one(folder):
    """The limit is the number of examples that was fixed before the first look."""
    asked = options(data=DataSelection(limit=300), candidates=("tiny_ac.pt",))
    seen = []
    stopped = compare_in_blocks(asked, lambda shown, total: seen.append((shown, total)))
    assert seen == [(256, 300), (300, 300)]
    done = save_stopped(stopped, asked)
    whole = run(asked)
    assert [r.key for r in done.results] == [r.key for r in whole.results]
    assert all("stopped_early" not in r.details for r in done.results)
    (comparison,) = whole.comparisons
    found = stopped.verdict
    ends = comparison.primary.candidate.value, comparison.primary.baseline.value
    assert found.accuracies == pytest.approx(ends)
    assert found.difference.value == pytest.approx(comparison.primary.difference.value)
    assert found.difference.high - found.difference.low < 1.1 * (
        comparison.primary.difference.high - comparison.primary.difference.low
    )


def test_a_run_that_stops_saves_results_that_say_so(folder):
    asked = options(
        candidates=("damaged.pt",),
        baselines=("tiny_ac.pt",),
        data=DataSelection("npz:all.npz"),
    )
    open_shop(folder)
    stopped = compare_in_blocks(asked)
    assert (stopped.verdict.verdict, stopped.verdict.shown) == ("lower", 256)
    folders = save_stopped(stopped, asked).folders
    loaded = [EvalResult.load(folder) for folder in folders.values()]
    assert [r.details["stopped_early"] for r in loaded] == [{"shown": 256, "of": 1797}] * 2
    assert {p.name for folder in folders.values() for p in folder.iterdir()} >= {"result.json"}
    assert not [p for folder in folders.values() for p in folder.glob("*.png")]
