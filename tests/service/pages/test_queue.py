"""What runs, what waits, what ended, and what a filter finds."""

from acn_eval.service.requests import Evaluate
from tests.service.pages.conftest import client_of
from tests.service.pages.reading import Page
from tests.service.pages.rows import REFUSED


def test_the_queue_shows_what_runs_what_waits_and_what_ended(shown, numbers):
    page = Page(shown("/"))
    for said in ("312 of 1,000", "bert-tiny version 1", "vit-small version 5", "PASS", "FAIL"):
        assert said in page.text
    assert REFUSED in page.text
    assert {"value": "312", "max": "1000"}.items() <= page.every("progress")[0].items()
    assert f"/jobs/{numbers['running']}/cancel" in page.forms()
    assert f"/jobs/{numbers['refused']}/retry" in page.forms()
    assert f"/jobs/{numbers['version 1']}/retry" not in page.forms()
    assert page.text.index("checkpoints/acn_0.pt") < page.text.index("bert-tiny version 2")


def test_a_filter_shows_what_it_names(shown):
    page = Page(shown("/?state=refused&model=vit-small"))
    assert "version 7" in page.text
    assert "version 6" not in page.text
    assert "selected" in next(o for o in page.every("option") if o["value"] == "refused")
    assert "No job is like that" in Page(shown("/?model=nobody")).text


def test_what_a_suite_found_does_not_look_like_an_error(service):
    service.jobs.submit(Evaluate(candidates=("models:/vit/1",)), by="me")
    claim = service.jobs.claim("w")
    service.jobs.finish(claim, "done", result={"sentence": "Both are equally good."})
    page = Page(client_of(service).get("/").text)
    assert "Both are equally good." in page.text
    assert [p for p in page.every("p") if p.get("class") == "error"] == []
