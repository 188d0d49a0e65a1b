"""Bundles are cut so that no slot waits long, and no further."""

import pytest

from acn_eval.engine.protocol import pieces_for


@pytest.mark.parametrize("bundles", [1, 2, 3, 7, 25, 100, 1000])
@pytest.mark.parametrize("slots", [2, 3, 8, 64, 256])
def test_slots_idle_for_a_tenth_of_the_time_at_most(bundles, slots):
    tasks = bundles * pieces_for(bundles, slots)
    assert tasks >= 4 * slots
    rounds = -(-tasks // slots)
    assert (rounds * slots - tasks) / (rounds * slots) < 0.1


def test_one_slot_and_many_bundles_are_not_cut():
    assert [pieces_for(n, 1) for n in (0, 1, 50)] == [1, 1, 1]
    assert pieces_for(0, 8) == 1
    assert pieces_for(800, 8) == 1


def test_no_fewer_pieces_would_do():
    pieces, slots = pieces_for(5, 8), 8
    fewer = 5 * (pieces - 1)
    rounds = -(-fewer // slots)
    assert fewer < 4 * slots or rounds * slots > 1.1 * fewer
