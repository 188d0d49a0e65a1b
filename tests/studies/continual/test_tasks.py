"""Tasks are the same on every machine, and every class is in exactly one of them."""

import numpy as np
import pytest

from acn_eval.data import open_examples
from acn_eval.errors import ConfigError
from acn_eval.studies.continual.tasks import Tasks

DIGITS = tuple("0123456789")


def test_known_answer():
    """These orders are the contract: another machine, another day, another network, the same."""
    orders = [Tasks.drawn(DIGITS, 5, seed).columns.flatten().tolist() for seed in range(3)]
    assert orders == [
        [7, 9, 6, 3, 5, 2, 4, 8, 1, 0],
        [3, 8, 1, 9, 4, 5, 0, 7, 2, 6],
        [9, 2, 5, 4, 0, 7, 8, 3, 1, 6],
    ]
    assert Tasks.drawn(DIGITS, 5, 0).digest == "ccd101bfb93fbbf0"
    hundred = tuple(f"c{i:02}" for i in range(100))
    assert Tasks.drawn(hundred, 20, 0).columns[0].tolist() == [7, 24, 39, 12, 16]
    assert Tasks.drawn(hundred, 20, 0).digest == "4b0ec784349a2f58"


@pytest.mark.parametrize("tasks", [1, 2, 5, 10])
def test_every_class_is_in_one_task(tasks):
    drawn = Tasks.drawn(DIGITS, tasks, 7)
    assert drawn.columns.shape == (tasks, 10 // tasks)
    assert len(drawn) == tasks
    assert sorted(drawn.columns.flatten().tolist()) == list(range(10))
    for c in range(10):
        assert c in drawn.columns[drawn.of_class[c]]


def test_the_order_of_classes_does_not_depend_on_how_they_are_cut():
    orders = {Tasks.drawn(DIGITS, n, 4).columns.tobytes() for n in (1, 2, 5, 10)}
    assert len(orders) == 1


def test_seeds_give_orders_of_their_own():
    assert len({Tasks.drawn(DIGITS, 5, seed).digest for seed in range(20)}) == 20


def test_the_digest_is_that_of_names_cuts_and_order():
    one = Tasks.drawn(("a", "b", "c", "d"), 2, 0)
    a, b = one.columns
    others = [
        Tasks(0, one.classes, np.stack([b, a])),
        Tasks(0, one.classes, np.stack([a[::-1], b])),
        Tasks(0, one.classes, one.columns.reshape(1, 4)),
        Tasks(0, ("a", "b", "c", "e"), one.columns),
        Tasks(0, ("a", "b", "cd", ""), one.columns),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == 6
    assert Tasks(9, one.classes, one.columns).digest == one.digest


@pytest.mark.parametrize("tasks", [0, -2, 3, 11])
def test_tasks_that_do_not_divide_the_classes(tasks):
    message = f"^tasks: must divide the number of classes, 10; got {tasks}$"
    with pytest.raises(ConfigError, match=message):
        Tasks.drawn(DIGITS, tasks, 0)


def test_a_part_is_exactly_the_images_of_its_task():
    pool = open_examples("digits", "test").keyed()
    tasks = Tasks.drawn(pool.classes, 5, 1)
    parts = [tasks.part(pool, task) for task in range(5)]
    label_of = dict(zip(pool.ids.tolist(), pool.labels.tolist(), strict=True))
    for part, own in zip(parts, tasks.columns, strict=True):
        wanted = [i for i, c in label_of.items() if c in own]
        assert part.ids.tolist() == wanted
        assert part.labels.tolist() == [label_of[i] for i in wanted]
        assert (part.hashes == pool.hashes[np.isin(pool.ids, wanted)]).all()
        assert part.classes == pool.classes
    assert sum(map(len, parts)) == len(pool)


def test_what_is_recorded_draws_the_same_tasks_again():
    tasks = Tasks.drawn(DIGITS, 5, 2)
    record = tasks.record()
    assert record["stream"] == "tasks v1"
    assert record["sha256"] == tasks.digest
    assert Tasks.drawn(DIGITS, len(record["tasks"]), record["seed"]).names == record["tasks"]
    assert record["tasks"] == [[str(c) for c in task] for task in tasks.columns.tolist()]
