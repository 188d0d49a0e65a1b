"""Workers."""

from tests.service.pages.reading import Page


def test_workers_are_shown(shown):
    assert "lab-4:4711" in Page(shown("/health")).text
