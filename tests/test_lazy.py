"""Modules that are imported for good are not searched for garbage."""

import gc

import pytest

from acn_eval.lazy import uncollected


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


def test_nothing_is_searched_within_and_what_was_made_there_is_exempt(searches):
    assert allocate()
    assert searches  # this is how it is without
    with uncollected():
        searches.clear()
        kept = allocate()
        assert searches == []
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(kept)


def test_a_failed_import_leaves_the_search_on():
    with pytest.raises(ImportError), uncollected():
        raise ImportError
    gc.unfreeze()
    assert gc.isenabled()
