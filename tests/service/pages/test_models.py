"""Models and their versions, in words, as a table and as a chart."""

from tests.service.pages.reading import Page


def test_a_model_shows_its_verdicts_as_a_chart_and_as_a_table(shown):
    page = Page(shown("/models/vit-small"))
    (chart,) = page.every("svg")
    assert "version 3: -7.0 [-8.0, -6.1], FAIL" in chart["aria-label"]
    assert len([found for found in page.every("line") if found["class"] == "limits"]) == 6
    assert "-7.0 [-8.0, -6.1]" in page.text
    assert "This test set has given 6 verdicts." in page.text
    assert {"/models/vit-small", "/models/bert-tiny"} <= {*Page(shown("/models")).links()}
