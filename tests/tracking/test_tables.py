"""Tables fit where MLflow shows them."""

import pytest

from acn_eval.studies.compare import compare
from acn_eval.tracking import record
from tests.fakes import deep_result
from tests.tracking.recorded import search


@pytest.mark.parametrize("depth", [4, 40])
def test_descriptions_fit_into_a_tag_and_tables_into_a_page(folder, depth):
    results = [deep_result(name, depth) for name in ("ac_vit", "res_vit")]
    comparison = compare(results[:1], results[1:])
    recorded = record(results, [comparison], cwd=folder)
    for run in search(recorded, ""):
        text = run.data.tags["mlflow.note.content"]
        assert len(text) <= 8000
        assert "exit 4" in text
    (run,) = search(recorded, "tags.acn_eval.kind = 'comparison'")
    assert comparison.claim.sentence in run.data.tags["mlflow.note.content"]
    if depth == 40:
        assert "246 rows under corruption" in run.data.tags["mlflow.note.content"]
