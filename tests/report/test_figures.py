"""The differences of a comparison stand on the page, where they can be read."""

from dataclasses import replace

import pytest

from acn_eval.report.figures import differences
from acn_eval.report.inputs import Material
from acn_eval.studies.compare import compare
from tests.charts.axes import drawn
from tests.fakes import deep_result, fake_result


@pytest.fixture(scope="module")
def comparison():
    return compare([fake_result("ac_vit")], [fake_result("res_vit")])


def test_differences_are_drawn_with_their_band_and_the_end_point_with_its_interval(comparison):
    (drawing,) = differences(Material(comparison, (), ()))
    assert drawing.caption.startswith("ac_vit - res_vit in points")
    axes = drawn(drawing.panels[0])
    names = [row.name for row in comparison.rows]
    assert [t.get_text() for t in axes.get_yticklabels()] == [*names, comparison.primary.name]
    *bands, interval = axes.lines[1::2]
    for line, row in zip(bands, comparison.rows, strict=True):
        assert list(line.get_xdata()) == [100 * row.band_low, 100 * row.band_high]
    own = comparison.primary.difference
    assert list(interval.get_xdata()) == [100 * own.low, 100 * own.high]


def test_of_many_conditions_those_on_clean_examples_are_drawn():
    deep = compare([deep_result("ac_vit")], [deep_result("res_vit")])
    assert len(deep.rows) > 48
    (drawing,) = differences(Material(deep, (), ()))
    assert "of which those on clean examples are drawn" in drawing.caption
    assert len(drawn(drawing.panels[0]).get_yticklabels()) == 17 + 1
    noisy = [row for row in deep.rows if row.condition["corruption"] != "clean"]
    assert differences(Material(replace(deep, rows=tuple(noisy)), (), ())) == ()


def test_one_network_has_no_differences():
    assert differences(Material(None, (fake_result(),), ())) == ()
