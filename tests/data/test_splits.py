"""Where a split lies, for every set of parts that a data set may have."""

from itertools import chain, combinations

import pytest

from acn_eval.data.splits import Part, part_of, split_called
from acn_eval.errors import DataError

ALL = ("train", "validation", "test")
SETS = [set(s) for s in chain.from_iterable(combinations(ALL, n) for n in range(4))]


@pytest.mark.parametrize("have", SETS, ids=lambda s: "+".join(sorted(s)) or "none")
@pytest.mark.parametrize("split", ALL)
def test_every_split_is_its_own_part_or_the_nearest_honest_one(have, split):
    both = {"validation", "test"} <= have
    if split == "test":
        wanted = Part("test" if "test" in have else "validation", cut=False)
    else:
        own = split if both or split == "train" else "train"
        wanted = Part(own, cut=own == "train" and not both)
    if wanted.split in have:
        assert part_of(split, have, "x") == wanted
    else:
        with pytest.raises(DataError, match=f"x: has no {split} split; found"):
            part_of(split, have, "x")


@pytest.mark.parametrize("have", SETS, ids=lambda s: "+".join(sorted(s)) or "none")
def test_no_example_is_in_two_splits(have):
    """Two splits share a part only where it is cut into both."""
    parts = {}
    for split in ALL:
        try:
            parts[split] = part_of(split, have, "x")
        except DataError:
            continue
    shared = [p for p in parts.values() if sum(p.split == q.split for q in parts.values()) > 1]
    assert all(part == ("train", True) for part in shared)
    assert "test" not in [s for s, part in parts.items() if part in shared]


def test_names():
    assert [split_called(n) for n in ("TRAIN", "valid", "dev", "tests", "")] == [
        "train",
        "validation",
        "validation",
        None,
        None,
    ]
