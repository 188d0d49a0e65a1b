"""Models and their versions, in words, as a table and as a chart."""

from acn_eval.service.pages.models import facts, listed
from acn_eval.service.records import Target
from acn_eval.service.requests import Judge
from tests.service.pages.reading import Page
from tests.service.pages.rows import judge, version
from tests.service.versions import submit_version


def test_a_model_shows_its_verdicts_as_a_chart_and_as_a_table(shown):
    page = Page(shown("/models/vit-small"))
    (chart,) = page.every("svg")
    assert "version 3: -7.0 [-8.0, -6.1], FAIL" in chart["aria-label"]
    assert len([found for found in page.every("line") if found["class"] == "limits"]) == 6
    assert "-7.0 [-8.0, -6.1]" in page.text
    assert "This test set has given 6 verdicts." in page.text
    assert {"/models/vit-small", "/models/bert-tiny"} <= {*Page(shown("/models")).links()}


def test_a_version_is_shown_once_by_its_latest_job_in_the_order_of_versions(service):
    changes = {"clean": (20, 15), "gaussian_04": (30, 25)}
    for number in (1, 2, 10):
        version(service, number)
        judge(service, changes)
    asked = Judge(candidate="models:/vit-small/2", baseline="models:/vit-small/1")
    target = Target("nightly", "vit-small", 2, 2, "models:/vit-small/1")
    again = submit_version(service.jobs, asked, target)
    judge(service, changes)
    (model,) = listed(service, after=None)["models"]
    assert (model.versions, model.latest.version) == (3, 10)
    page = facts(service, "vit-small", before=None)
    assert [one.job.version for one in page["judged"]] == [10, 2, 1]
    assert page["judged"][1].job.id == again.id
    assert [mark.label for mark in page["charts"]["nightly"].marks] == ["1", "2", "10"]
    assert [one.job.version for one in facts(service, "vit-small", before=10)["judged"]] == [2, 1]
