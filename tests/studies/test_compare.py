"""A comparison says which study it is of; older ones that do not are still drawn."""

import json

import pytest

from acn_eval.statistics.comparison import load_comparison, save_comparison
from acn_eval.studies.compare import analysis_about, compare
from acn_eval.studies.table import STUDIES
from tests.fakes import deep_result, fake_result


@pytest.mark.parametrize(
    ("side", "kind", "field"),
    [(fake_result, "robustness", "level"), (deep_result, "compression", "exit")],
)
def test_a_comparison_names_its_study_and_an_older_one_has_any_axis(side, kind, field, tmp_path):
    comparison = compare([side("ac_vit")], [side("res_vit")])
    conditions = [row.condition for row in comparison.rows]
    assert comparison.kind == kind
    assert analysis_about(comparison) is STUDIES[kind].analysis
    folder = save_comparison(comparison, tmp_path)
    facts = json.loads((folder / "comparison.json").read_text())
    del facts["kind"]
    (folder / "comparison.json").write_text(json.dumps(facts))
    older = analysis_about(load_comparison(folder))
    assert older.curves(conditions) == analysis_about(comparison).curves(conditions)
    assert older.curves(conditions).axis.field == field
