"""Hostile checkpoints end in one line and exit 2, or give the numbers of the sound file."""

import hashlib

import pytest
import torch

from acn_eval.checkpoints import load
from tests.checkpoints.files import pictures
from tests.hostile.checkpoints import asked, files, sound_files
from tests.hostile.harness import attack, command


def logits(uri, arch):
    """Print what names the numbers of a checkpoint."""
    checkpoint = load(uri, arch)
    with torch.no_grad():
        found = checkpoint.model(checkpoint.prepare.normalize(pictures(checkpoint)))
    print(hashlib.sha256(found.numpy().tobytes()).hexdigest())  # noqa: T201


def faults(folder, step):
    """(number of files, number that still gave numbers, faults by name)."""
    sound, marker = sound_files(folder / "sound"), folder / "marker"
    numbers = {
        suffix: attack(lambda: logits(*asked(path, suffix))).out  # noqa: B023
        for suffix, path in sound.items()
    }
    assert all(len(found) == 65 for found in numbers.values())
    tried = accepted = 0
    found = {}
    for i, file in enumerate(list(files(sound, marker))[::step]):
        runtime = folder / str(i)
        runtime.mkdir()
        kind = next(s for s in (".pth.tar", *sound) if file.suffix.endswith(s))
        path = runtime / (file.suffix if not file.suffix.startswith(".") else f"a{file.suffix}")
        file.make(path)
        uri, arch = asked(path, kind)
        end = attack(lambda: logits(uri, arch), limit=60.0)  # noqa: B023
        wrong = end.faults(busy=10.0)
        if end.code == 0 and end.out != numbers.get(file.sound):
            wrong.append("other numbers" if file.sound else "accepted")
        if i % 9 == 0 and end.code == 2:
            options = ("--arch", arch) if arch else ()
            said = command("robustness", "--ckpt", uri, *options, "--no-baseline", limit=60.0)
            wrong += said.faults([2], busy=10.0)
        tried, accepted = tried + 1, accepted + (end.code == 0)
        if wrong or marker.exists():
            found[file.name] = (wrong, end.err[-300:], marker.exists())
    return tried, accepted, found


def test_a_sample(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, _, found = faults(tmp_path, 25)
    assert found == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried, accepted, found = faults(tmp_path, 1)
    assert found == {}
    assert tried >= 300
    assert 0 < accepted < tried / 3  # damage where nothing is that matters


def test_the_same_seed_makes_the_same_files(tmp_path):
    sound = sound_files(tmp_path)
    names = [[f.name for f in files(sound, tmp_path / "m", seed)] for seed in (0, 0, 1)]
    assert names[0] == names[1] != names[2]
