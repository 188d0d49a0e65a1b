"""What holds of a cache wherever it lies."""

import pickle

import pytest

from acn_eval.cache import OutcomeCache
from acn_eval.cache.place import MARKER
from acn_eval.errors import ConfigError


def key(*facts):
    return OutcomeCache.key(list(facts))


def test_what_is_put_is_got(anywhere):
    anywhere.check()
    assert (anywhere.read(key(1)), anywhere.size()) == (None, 0)
    contents = {key(i): bytes([i]) * i for i in range(5)}
    for name, content in contents.items():
        anywhere.write(name, content)
    anywhere.check()
    assert anywhere.held([*contents, key("not there")]) == contents
    assert anywhere.read(key(3)) == b"\3\3\3"
    assert anywhere.held([]) == {}


def test_states_have_names_of_their_own_and_are_dropped(anywhere):
    name = f"{key(1)}-state"
    anywhere.write(name, b"of epoch 1")
    anywhere.write(name, b"of epoch 2")
    assert (anywhere.read(name), anywhere.read(key(1))) == (b"of epoch 2", None)
    anywhere.drop(name)
    anywhere.drop(name)
    assert (anywhere.read(name), anywhere.size()) == (None, 0)


def test_it_goes_to_other_processes(anywhere):
    anywhere.write(key(1), b"kept")
    other = pickle.loads(pickle.dumps(anywhere))
    assert other == anywhere
    assert other.read(key(1)) == b"kept"
    assert b"hush" not in pickle.dumps(anywhere)


def test_only_what_it_wrote_is_removed(anywhere):
    names = [key(i) for i in range(3)]
    for name in names:
        anywhere.write(name, b"kept")
    stranger = f"{names[0][:2]}/{names[0]}.outcomes"
    anywhere._place.write({stranger: b"a film of somebody else"})
    anywhere._place.write({"aa/film.outcomes": b"another"})
    size = len(b"acn-eval outcomes 1\n") + 16 + len(b"kept")
    assert anywhere.trim(0) == 2 * size
    assert anywhere.held(names) == {}
    assert anywhere._place.read([stranger, "aa/film.outcomes", MARKER], 6) == {
        stranger: b"a film",
        "aa/film.outcomes": b"anothe",
        MARKER: b"Signat",
    }


def test_what_another_one_removed_makes_room(anywhere, monkeypatch):
    for i in range(6):
        anywhere.write(key(i), b"kept")
    there, each = list(anywhere._place.files()), anywhere.size() // 6
    monkeypatch.setattr(type(anywhere._place), "files", lambda self: there)  # before others began
    assert anywhere.trim(2 * each) == 4 * each
    assert anywhere.trim(2 * each) == 0
    assert len(anywhere.held(map(key, range(6)))) == 2


def test_other_content_is_refused_and_stays(anywhere):
    anywhere._place.write({"film.mov": b"a film"})
    for refused in (anywhere.check, lambda: anywhere.write(key(1), b"kept")):
        with pytest.raises(ConfigError, match=r"must be empty or a store.*holds film"):
            refused()
    assert anywhere.read(key(1)) is None
    assert anywhere._place.read(["film.mov"], 100) == {"film.mov": b"a film"}


def test_damage_is_measured_again(anywhere):
    name = f"{key(1)[:2]}/{key(1)}.outcomes"
    anywhere.write(key(1), b"kept")
    anywhere.write(key(2), b"kept, too")
    (whole,) = anywhere._place.read([name], 1000).values()
    ends = b"", whole[:30], whole[:-1], whole + b"\0", whole[:-1] + b"\0", b"of somebody else"
    for damaged in ends:
        anywhere._place.write({name: damaged})
        assert anywhere.held([key(1), key(2)]) == {key(2): b"kept, too"}
    anywhere.write(key(1), b"kept")
    assert anywhere.read(key(1)) == b"kept"


def test_what_is_too_large_is_not_read(anywhere, monkeypatch):
    anywhere.write(key(1), b"x" * 1000)
    monkeypatch.setattr("acn_eval.cache.outcomes._LARGEST", 900)
    assert anywhere.read(key(1)) is None
    most, place = [], type(anywhere._place)
    read = place.read
    monkeypatch.setattr(
        type(anywhere._place),
        "read",
        lambda self, names, n: (most.append(n), read(self, names, n))[1],
    )
    assert anywhere.read(key(1)) is None
    assert most == [901]
