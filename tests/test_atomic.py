"""A file is there whole or not at all, whoever writes and whenever it stops."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from acn_eval import atomic


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    file = tmp_path / "new" / "folder" / "a.txt"
    atomic.write(file, "ä\n")
    assert file.read_bytes() == "ä\n".encode()
    atomic.write(file, b"\0", sync=False)
    assert file.read_bytes() == b"\0"
    assert names(file.parent) == ["a.txt"]


def test_a_block_that_fails_leaves_the_old_file_and_no_part(tmp_path):
    file = tmp_path / "a"
    file.write_text("old")

    def half():
        with atomic.replacing(file) as part:
            part.write_text("ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert file.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_an_error_names_the_file_and_not_the_part(tmp_path):
    (tmp_path / "folder").write_text("")
    with pytest.raises(OSError, match="folder"):
        atomic.write(tmp_path / "folder" / "a", "")
    (tmp_path / "b").mkdir()
    with pytest.raises(IsADirectoryError, match=r"'\S+/b'$"):
        atomic.write(tmp_path / "b", "")
    assert names(tmp_path) == ["b", "folder"]

    def nothing():
        with atomic.replacing(tmp_path / "c"):
            pass

    with pytest.raises(FileNotFoundError, match=r"'\S+/c'$"):
        nothing()


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    (there / "real").write_text("old")
    (tmp_path / "link").symlink_to("there/real")
    atomic.write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (there / "real").read_text() == "new"


def test_a_pipe_is_written_in_place(tmp_path):
    """As in ``--out /dev/stdout`` or a fifo: replacing it would take it away from its reader."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    atomic.write(pipe, "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert pipe.is_fifo()
    atomic.write(Path(os.devnull), "text")
    assert Path(os.devnull).is_char_device()


def test_parts_of_the_dead_are_removed_and_nothing_of_strangers(tmp_path):
    old, fresh = (f".acn-eval-{digit * 32}.part" for digit in "0a")
    strangers = ("video.part", ".acn-eval-notes.part", "a.pt.resume", f"x{old}")
    for name in (old, fresh, *strangers):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (time.time() - 2 * 86400,) * 2)
    os.utime(tmp_path / fresh)
    atomic.write(tmp_path / "a", "")
    assert names(tmp_path) == sorted(["a", fresh, *strangers])


def _writes(file, letter):
    for _ in range(100):
        atomic.write(file, letter * 200_000, sync=False)


def test_processes_write_one_file_and_a_reader_sees_it_whole(tmp_path):
    file = tmp_path / "a"
    atomic.write(file, "a")
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_writes, args=(file, letter)) for letter in "xyz"]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        text = file.read_text()
        seen.add((len(text), *set(text)))
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert seen <= {(1, "a"), *((200_000, letter) for letter in "xyz")}
    assert names(tmp_path) == ["a"]
