"""The sections of the page: their order, and what each of them shows."""

import re
from dataclasses import replace

import pytest

from acn_eval.report.inputs import Material
from acn_eval.report.page import Text
from acn_eval.report.render import html
from acn_eval.report.sections import differences, page_of
from acn_eval.studies.compare import compare, summarize
from acn_eval.studies.compression.collapse import in_words
from acn_eval.tracking import find
from tests.charts.axes import drawn
from tests.fakes import deep_result, fake_result
from tests.report.pages import Reader, numbers
from tests.studies.compression.test_collapse import ALIKE, EARLIER, network


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


ORDER = [
    "Verdict",
    "Gate",
    "Curves",
    "Differences",
    "All conditions",
    "What the networks saw",
    "Which classes are confused",
    "Calibration",
    "Fair pair",
    "How it was tested",
    "Read with care",
    "Not measured",
    "Versions and digests",
]


def test_sections_are_in_the_order_in_which_a_person_asks(read):
    assert read.headings[0] == (1, "tiny_ac against tiny_res: small")
    assert read.headings[1:] == [(2, title) for title in ORDER]


def test_the_verdict_comes_first_and_in_its_own_words(text, facts):
    said = re.search(r'<p class="verdict [a-z]+">([^<]+)</p>', text)[1]
    assert said.replace("&#39;", "'") == (
        f"{facts['claim']['verdict'].upper()}: {facts['claim']['sentence']}"
    )


def test_skips_have_their_reasons(text, about):
    (skip,) = about.candidates[0].skipped
    assert f"tiny_ac, jpeg 1: {skip.reason}" in text


def test_one_result_alone_is_shown_without_a_verdict():
    found = fake_result("ac_vit")
    read = Reader(html(page_of(Material(None, (found,), ()), ())))
    assert read.headings[0][1] == "ac_vit: robustness"
    rows = read.rows("rows")
    for row, accuracy in zip(rows, summarize([found]), strict=True):
        assert row["condition"][0] == accuracy.name
        assert numbers(row["ac_vit, % [95 %]"]) == vars(accuracy.estimate)
    titles = [title for _, title in read.headings]
    assert "Fair pair" not in titles
    assert "Not measured" in titles


def test_a_comparison_stands_without_its_results(stored):
    comparison = find([stored]).comparisons[0]
    read = Reader(html(page_of(Material(comparison, (), ()), ())))
    titles = [title for _, title in read.headings]
    assert "Curves" in titles
    assert "Calibration" not in titles
    assert len(read.rows("rows")) == len(comparison.rows)


def test_one_measured_result_has_every_metric_in_its_unit(about):
    found = about.candidates[0]
    read = Reader(html(page_of(Material(None, (found,), ()), ())))
    heads = {
        "negative log-likelihood, nats [95 %]": "nll",
        "Brier score [95 %]": "brier",
        "calibration error, % [95 %]": "ece",
        "balanced accuracy, % [95 %]": "balanced_accuracy",
    }
    rows = {row["condition"][0]: row for row in read.rows("rows")}
    for head, metric in heads.items():
        for own in summarize([found], metric=metric):
            assert numbers(rows[own.name][head]) == vars(own.estimate)


def test_what_outputs_tell_apart_stands_in_words_and_beside_the_verdict():
    plain, residual = network("acn", tokens=ALIKE, before=EARLIER), network("res", 4)
    found = compare([plain], [residual])
    page = page_of(Material(found, (plain,), (residual,)), ())
    sections = {section.id: section.blocks for section in page.sections}
    assert Text(found.findings[0].caveat) in sections["verdict"]
    (said,) = sections["remarks"]
    assert said.lines == (in_words("acn", [plain]), in_words("res", [residual]))
    assert "spread" in [block.name for block in sections["curves"]]
