"""Tables of results: every view shows the numbers of the records."""

import io

import pandas as pd
import pytest

from acn_eval.studies.compare import compare
from tests.gate.pairs import pair


@pytest.fixture(scope="module")
def both():
    sides = pair(1000, names=("a_1", "b|2"), clean=(5, 40))
    return sides, compare([sides[0]], [sides[1]])


def test_a_result_has_one_row_per_cell(both):
    (result, _), _ = both
    frame = result.to_frame()
    assert list(frame["mean"]) == [cell.values.mean(dtype=float) for cell in result.cells]
    assert set(frame["n"]) == {1000}
    assert repr(result).startswith("EvalResult(a_1, ")
    assert len(repr(result)) < 120


def test_a_comparison_ends_with_its_primary_end_point(both):
    _, comparison = both
    frame = comparison.to_frame()
    assert list(frame["name"]) == [*(row.name for row in comparison.rows), comparison.primary.name]
    last = frame.iloc[-1]
    assert last["difference"] == comparison.primary.difference.value
    assert last["difference_low"] == comparison.primary.difference.low
    assert last["p_holm"] == comparison.primary.p_holm
    assert comparison.claim.verdict in repr(comparison)


def test_all_views_show_the_same_numbers(both):
    _, comparison = both
    frame = comparison.to_frame()
    read = pd.read_csv(io.StringIO(comparison.to_csv()), float_precision="round_trip")
    pd.testing.assert_frame_equal(read, frame, check_exact=True)
    first = f"{frame['candidate'][0]:.4f}"
    for text in (comparison.to_markdown(), comparison.to_latex()):
        assert first in text
    lines = comparison.to_markdown().splitlines()
    assert len(lines) == 2 + len(frame)
    assert len({line.count(" | ") for line in lines}) == 1


def test_a_notebook_shows_names_as_text(both):
    (_, other), comparison = both
    assert "b|2" in repr(other)
    assert comparison._repr_html_().startswith("<p>Comparison(a_1 against b|2")
    assert "<table" in comparison._repr_html_()
