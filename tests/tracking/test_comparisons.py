"""A comparison in MLflow, and its links."""

import numpy as np
import pytest

from acn_eval.statistics.comparison import load_comparison, save_comparison
from acn_eval.studies.compare import compare
from acn_eval.tracking import record
from acn_eval.tracking.comparisons import comparison_run
from tests.fakes import saved_pair
from tests.statistics.results import one
from tests.tracking.recorded import search


def test_a_comparison_says_everything_and_links_its_arms(home):
    _, recorded, results, (comparison,) = home
    (run,) = search(recorded, "tags.acn_eval.kind = 'comparison'")
    row, primary = comparison.rows[3], comparison.primary
    assert run.data.metrics["diff_pp/gaussian"] == pytest.approx(100 * row.difference.value)
    assert run.data.metrics["p_holm/gaussian"] == pytest.approx(row.p_holm)
    assert run.data.metrics["mde_pp/primary"] == pytest.approx(100 * primary.mde)
    assert run.data.metrics["ci_low_pp/primary"] == pytest.approx(100 * primary.difference.low)
    assert run.data.metrics["ci_high_pp/primary"] == pytest.approx(100 * primary.difference.high)
    tags = run.data.tags
    assert tags["acn_eval.verdict"] == comparison.claim.verdict
    assert tags["acn_eval.candidate_runs"] == recorded.runs[results[0].key]
    assert tags["acn_eval.baseline_runs"] == recorded.runs[results[1].key]
    assert comparison.claim.sentence in tags["mlflow.note.content"]
    assert "| gaussian 0.4&nbsp; |" in tags["mlflow.note.content"]
    assert f"/runs/{recorded.runs[results[0].key]}" in tags["mlflow.note.content"]
    assert "mlflow.parentRunId" not in tags


def test_a_comparison_finds_arms_that_were_recorded_before(folder):
    results, comparisons, _ = saved_pair(folder / "results")
    arms = record(results, cwd=folder)
    recorded = record([], comparisons, cwd=folder)
    (run,) = search(recorded, "tags.acn_eval.kind = 'comparison'")
    assert run.data.tags["acn_eval.candidate_runs"] == arms.runs[results[0].key]


@pytest.mark.parametrize(
    ("preprocessing", "name", "other"),
    [({"size": 8}, "images", "examples"), ({"sentences": 1}, "examples", "images")],
)
def test_what_is_counted_is_called_what_it_is(preprocessing, name, other, tmp_path):
    rng = np.random.default_rng(0)
    sides = [
        [one(label, (0.9, 0.8, 0.7), rng, about={"preprocessing": preprocessing})]
        for label in ("acn", "res")
    ]
    run = comparison_run(load_comparison(save_comparison(compare(*sides), tmp_path)), {}, "1")
    assert run.params[name] == "360"
    assert other not in run.params
