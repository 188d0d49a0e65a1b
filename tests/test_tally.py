"""What is counted as done and as kept, and what an interruption says of it."""

import pytest

from acn_eval.errors import Stopped, StoreError
from acn_eval.tally import Tally


def stop(counter, steps):
    with counter:
        for step in steps:
            step()
        raise KeyboardInterrupt


def interrupted(counter, *steps):
    with pytest.raises(Stopped) as caught:
        stop(counter, steps)
    return str(caught.value)


def test_what_a_unit_keeps_of_its_own_is_counted_until_the_unit_is_done():
    told = []
    counter = Tally(30, "steps", lambda *shown: told.append(shown))
    said = interrupted(
        counter,
        lambda: counter.add(10),
        lambda: counter.show(4),
        lambda: counter.show(8, 6),
    )
    assert said.startswith("16 of the 30 steps under way are kept")
    assert told == [(10, 30), (14, 30), (18, 30)]
    after = interrupted(counter, lambda: counter.add(10))
    assert after.startswith("20 of the 30 steps")


def test_what_is_never_kept_is_not_counted_as_kept():
    counter = Tally(20, "images", remedy="Measure again.")
    said = interrupted(counter, lambda: counter.add(10, kept=0))
    assert said.startswith("0 of the 20 images under way are kept")
    assert said.endswith("Measure again.")


def test_what_is_stored_later_is_kept_then():
    counter = Tally(20, "images")
    said = interrupted(counter, lambda: counter.add(10, kept=0), lambda: counter.keep(5))
    assert said.startswith("5 of the 20 images under way are kept")


def test_the_error_of_a_lost_store_says_what_is_kept():
    def lose(counter):
        with counter:
            raise StoreError("s3://bucket: outcomes must be kept there; away. Wait.")

    counter = Tally(20, "images")
    with pytest.raises(StoreError, match=r"Wait\.$"):
        lose(counter)
    counter.add(10)
    with pytest.raises(StoreError, match=r"Wait\. 10 of the 20 images under way are kept"):
        lose(counter)


def test_what_is_done_again_is_not_shown_again():
    told = []
    counter = Tally(9, "images", lambda done, total: told.append(done))
    for more in (6, 2, 7):
        counter.show(more)
    assert told == [6, 6, 7]


def test_another_error_is_left_as_it_is():
    with pytest.raises(ZeroDivisionError), Tally(1, "steps"):
        raise ZeroDivisionError
