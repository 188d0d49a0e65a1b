"""Whoever asks what a damaged or hostile file is gets one answer or one line, and runs nothing."""

import pytest

from acn_eval.checkpoints.recognize import recognize
from tests.hostile.checkpoints import files, sound_files
from tests.hostile.harness import attack


def said(path):
    print(recognize(path).what)  # noqa: T201


def faults(folder, step):
    """(number of files, faults by name)."""
    marker, found, tried = folder / "marker", {}, 0
    for i, file in enumerate(list(files(sound_files(folder / "sound"), marker))[::step]):
        place = folder / str(i)
        place.mkdir()
        path = place / (file.suffix if not file.suffix.startswith(".") else f"a{file.suffix}")
        file.make(path)
        end = attack(lambda: said(path), limit=60.0)  # noqa: B023
        wrong, tried = end.faults([0, 2], busy=10.0), tried + 1
        if wrong or marker.exists():
            found[file.name] = (wrong, end.err[-300:], marker.exists())
    return tried, found


def test_a_sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert faults(tmp_path, 40)[1] == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried, found = faults(tmp_path, 1)
    assert found == {}
    assert tried >= 300
