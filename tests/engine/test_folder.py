"""Folders of runs that end, and of runs that are killed."""

import os
import subprocess
import sys

from acn_eval.engine.folder import OwnFolder

KILLED = """
import os, signal, sys
from acn_eval.engine.folder import OwnFolder
own = OwnFolder("own-", sys.argv[1])
(own.path / "weights").write_bytes(b"large")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_folder_of_a_process_that_was_killed_goes_with_the_next_run(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False)
    (left,) = tmp_path.iterdir()
    assert (left / "weights").exists()
    other = OwnFolder("other-", str(tmp_path))
    assert left.exists()
    held = OwnFolder("own-", str(tmp_path))
    own = OwnFolder("own-", str(tmp_path))
    assert {*tmp_path.iterdir()} == {other.path, held.path, own.path}
    for folder in (other, held, own):
        folder.remove()
    assert not any(tmp_path.iterdir())


def test_what_no_run_made_stays(tmp_path, monkeypatch):
    (tmp_path / "own-folder").mkdir()
    (tmp_path / "own-file").touch()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    (tmp_path / "own-user").mkdir()
    (tmp_path / "own-user/owner.lock").touch()
    own = OwnFolder("own-", str(tmp_path))
    assert {p.name for p in tmp_path.iterdir()} > {"own-folder", "own-file", "own-user"}
    own.remove()


def test_no_other_user_enters_it(tmp_path):
    own = OwnFolder("own-", str(tmp_path))
    assert own.path.stat().st_mode & 0o777 == 0o700
    own.remove()
