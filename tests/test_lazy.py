"""Modules that are imported for good are not searched for garbage."""

import gc
import sys

import pytest

from acn_eval.lazy import uncollected


@pytest.fixture
def _starting(monkeypatch):
    """A process that has not imported torch yet."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)


@pytest.fixture
def searches():
    found = []

    def note(phase, info):
        found.append((phase, info["generation"]))

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)
    gc.unfreeze()


def allocate():
    return [[number] for number in range(20 * gc.get_threshold()[0])]


@pytest.mark.usefixtures("_starting")
def test_nothing_is_searched_within_and_what_was_made_there_is_exempt(searches):
    assert allocate()
    assert searches  # this is how it is without
    with uncollected():
        searches.clear()
        kept = allocate()
        assert searches == []
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(kept)


@pytest.mark.usefixtures("_starting")
def test_a_failed_import_leaves_the_search_on():
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    gc.unfreeze()
    assert gc.isenabled()


def test_a_process_that_has_torch_is_left_as_it_is(searches, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", sys)
    exempt = gc.get_freeze_count()
    with uncollected():
        assert allocate()
        assert searches
    assert gc.get_freeze_count() == exempt
