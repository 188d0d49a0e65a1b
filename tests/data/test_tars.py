"""Members of tar files: damage is found, and no header takes memory."""

import io
import os
import tarfile

import pytest

from acn_eval.data.tars import open_tar
from acn_eval.errors import DataError
from tests.data.shards import tar


def members(path):
    stream, own = open_tar(path)
    with stream:
        return list(own.members())


def refusal(path):
    with pytest.raises(DataError) as caught:
        members(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


@pytest.mark.parametrize("kind", FORMATS)
def test_members_lie_where_they_are_said_to(tmp_path, kind):
    content = {"a.png": b"x" * 700, "folder/" + "n" * 90 + "/é.cls": b"3", "b": b""}
    path = tar(tmp_path / "x.tar", content.items(), format=kind)
    whole = path.read_bytes()
    found = {m.name: whole[m.offset : m.offset + m.size] for m in members(path)}
    assert found == content


@pytest.mark.parametrize("kind", FORMATS)
def test_every_cut_is_found(tmp_path, kind):
    path = tar(tmp_path / "x.tar", [(f"{i}.png", b"x" * 600) for i in range(3)], format=kind)
    whole, cut = path.read_bytes(), tmp_path / "cut.tar"
    end = max(m.offset + m.size for m in members(path))
    for size in range(0, end, 256):
        cut.write_bytes(whole[:size])
        assert str(cut) in refusal(cut)


def test_damage_in_the_middle_is_found(tmp_path):
    path = tar(tmp_path / "x.tar", [(f"{i}.png", b"x" * 600) for i in range(3)])
    content = bytearray(path.read_bytes())
    content[members(path)[1].offset - 400] ^= 1
    path.write_bytes(content)
    assert "is damaged" in refusal(path)


def test_what_is_no_tar_file(tmp_path):
    for content in (b"", b"hello", b"\x1f\x8b" + bytes(600)):
        (tmp_path / "x.tar").write_bytes(content)
        assert "must be" in refusal(tmp_path / "x.tar")
    with tarfile.open(tmp_path / "x.tar", "w:gz") as packed:
        packed.addfile(tarfile.TarInfo("a"), io.BytesIO(b""))
    assert "uncompressed" in refusal(tmp_path / "x.tar")
    os.mkfifo(tmp_path / "pipe.tar")
    assert "there is none" in refusal(tmp_path / "pipe.tar")


def test_links_and_sparse_files_are_no_plain_members(tmp_path):
    link, hole = tarfile.TarInfo("link.png"), tarfile.TarInfo("hole.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    hole.type = tarfile.GNUTYPE_SPARSE
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    path = tar(tmp_path / "x.tar", [(link, b""), (hole, b""), (folder, b""), ("a.png", b"x")])
    assert [(m.name, m.plain) for m in members(path)] == [
        *(("link.png", False), ("hole.png", False), ("a.png", True))
    ]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_of_a_terabyte_takes_no_memory(tmp_path, kind):
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 2**40
    path = tmp_path / "x.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT))
    os.truncate(path, 2**41)
    assert "a header must have at most" in refusal(path)


def test_names_that_are_no_text(tmp_path):
    path = tar(tmp_path / "x.tar", [("caf\udce9.png", b"x")], errors="surrogateescape")
    assert "names must be UTF-8" in refusal(path)
    path = tar(tmp_path / "x.tar", [("x" * 2000, b"x")])
    assert "at most 1000 characters" in refusal(path)


def test_a_chain_of_headers_is_refused(tmp_path):
    info = tarfile.TarInfo("x")
    info.type = tarfile.GNUTYPE_LONGNAME
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) * 20_000)
    assert "must be an uncompressed tar file, whole" in refusal(tmp_path / "x.tar")
