"""Two stored results against each other."""

import pytest

from tests.fakes import fake_result, saved_pair
from tests.service.pages.conftest import client_of
from tests.service.pages.reading import Page


@pytest.fixture
def compared(service):
    """Return the page of two results by their keys."""
    client = client_of(service)

    def get(*keys):
        sides = dict(zip(("candidate", "baseline"), keys, strict=True))
        answer = client.get("/compare", params=sides, headers={"Accept": "text/html"})
        return answer.status_code, Page(answer.text)

    return get


def test_the_answer_and_every_condition_are_shown(service, compared):
    (ours, theirs), (comparison,), _ = saved_pair(service.home / "results")
    status, page = compared(ours.key, theirs.key)
    assert status == 200
    assert comparison.answer in page.text
    row = comparison.rows[0]
    difference = row.difference
    for name in (row.name, f"{100 * difference.value:+.1f} [{100 * difference.low:+.1f}"):
        assert name in page.text
    assert [found["value"] for found in page.every("input")] == [ours.key, theirs.key]


def test_results_that_are_not_there_or_answer_other_questions_are_errors(service, compared):
    first, second = fake_result("ac_vit"), fake_result("res_vit", seed=1)
    for result in (first, second):
        result.save(service.home / "results")
    assert compared(first.key, second.key)[0] == 422
    assert compared("x" * 16, first.key)[0] == 422


def test_without_keys_a_form_asks_for_them(shown):
    assert "A result has a key" in Page(shown("/compare")).text
