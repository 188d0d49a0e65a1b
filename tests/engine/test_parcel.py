"""Tasks cross processes as bytes; what many share goes once."""

import threading
from dataclasses import dataclass
from functools import partial

import pytest
from torch import nn

from acn_eval.engine.parcel import Packer, SentOnce, Unpacker
from acn_eval.errors import ConfigError


@dataclass
class Weights(SentOnce):
    """A part; the second kind needs one."""

    values: list[int]
    teacher: "Weights | None" = None


class Store(dict):
    """Parts by name, and how often each was read."""

    def __init__(self):
        self.read = []

    def put(self, name, content):
        assert name not in self
        self[name] = content

    def get(self, name):
        self.read.append(name)
        return self[name]


@pytest.fixture
def store():
    return Store()


def test_a_part_is_sent_once_and_shared(store):
    shared, packer = Weights([1, 2]), Packer(store.put)
    parcels = [packer.pack(("task", n, shared, [shared])) for n in range(3)]
    assert len(store) == 1
    assert {own.parts for own in parcels} == {tuple(store)}
    unpacker = Unpacker(store.get)
    tasks = [unpacker.unpack(own.content) for own in parcels]
    assert [own[:2] for own in tasks] == [("task", n) for n in range(3)]
    assert tasks[0][2] == shared
    assert tasks[0][2] is tasks[0][3][0] is tasks[2][2]
    assert store.read == list(store)


def test_equal_parts_have_one_name(store):
    packer = Packer(store.put)
    first, second = (packer.pack([Weights([1])]) for _ in range(2))
    assert first.parts == second.parts
    assert packer.pack([Weights([2])]).parts != first.parts
    assert len(store) == 2


def test_a_part_within_a_part_is_named_too(store):
    teacher = Weights([1])
    parcel = Packer(store.put).pack([Weights([2], teacher), Weights([3], teacher)])
    assert set(parcel.parts) == set(store)
    assert len(store) == 3
    one, two = Unpacker(store.get).unpack(parcel.content)
    assert one.teacher is two.teacher
    assert sorted(store.read) == sorted(store)


def test_the_parts_of_late_are_kept(store):
    packer = Packer(store.put)
    parcels = [packer.pack([Weights([n])]).content for n in range(3)]
    unpacker = Unpacker(store.get, most=2 * max(map(len, store.values())))
    for n in (0, 1, 0, 2, 0, 1):
        assert unpacker.unpack(parcels[n])[0].values == [n]
    assert [list(store).index(name) for name in store.read] == [0, 1, 2, 1]


def test_one_part_is_kept_however_large(store):
    parcel = Packer(store.put).pack([Weights([1])])
    unpacker = Unpacker(store.get, most=0)
    assert unpacker.unpack(parcel.content)[0] is unpacker.unpack(parcel.content)[0]


def test_code_that_is_in_no_file_is_sent_along(store):
    space = {"__name__": "__main__"}
    exec("def double(x):\n    return offset + 2 * x\noffset = 1", space)
    parcel = Packer(store.put).pack(partial(space["double"], 4))
    assert Unpacker(store.get).unpack(parcel.content)() == 9


def test_what_no_other_process_can_get_is_refused_in_one_line(store):
    with pytest.raises(ConfigError, match=r"^`engine`: must be local for .*lock") as caught:
        Packer(store.put).pack(Weights([threading.Lock()]))
    assert caught.value.arguments == ("engine",)
    with pytest.raises(ConfigError, match=r"^`engine`: must be local"):
        Packer(store.put).pack([Weights([threading.Lock()])])


class Refusing:
    """Says in its own way that it cannot be sent."""

    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        raise self.error("no")


@pytest.mark.parametrize(
    "own",
    [
        nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)),
        Refusing(NotImplementedError),
        Refusing(ValueError),
    ],
    ids=["parametrized", "not implemented", "value"],
)
def test_so_is_what_its_library_does_not_pickle(store, own):
    with pytest.raises(ConfigError, match=r"^`engine`: must be local for .*(state_dict|no$)"):
        Packer(store.put).pack(own)
