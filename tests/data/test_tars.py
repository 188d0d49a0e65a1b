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
    assert "headers of a member must have at most" in refusal(path)


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


def pax(values, kind=tarfile.XHDTYPE):
    """A header of pax alone, as blocks."""
    body = b""
    for name, value in values:
        size = len(name) + len(value) + 3
        size += len(str(size + len(str(size))))
        body += f"{size} {name}={value}\n".encode()
    return raw(body, kind)


def raw(body, kind):
    info = tarfile.TarInfo("pax")
    info.type, info.size = kind, len(body)
    return info.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % 512)


def test_a_size_that_leads_back_is_refused(tmp_path):
    path = tar(tmp_path / "x.tar", [("a.png", b"x")])
    whole = path.read_bytes()
    back = pax([("size", "-1536")]) + tarfile.TarInfo("b").tobuf()
    below = tarfile.TarInfo("b").tobuf(tarfile.GNU_FORMAT)
    below = bytearray(below[:124] + (-256).to_bytes(12, "big", signed=True) + below[136:])
    below[148:156] = b"%06o\0 " % (sum(below[:148]) + sum(below[156:]) + 8 * 32)
    for strange in (back, bytes(below)):
        path.write_bytes(whole[:1024] + strange + whole)
        assert "is negative" in refusal(path)


def test_headers_for_all_members_are_few(tmp_path):
    path = tar(tmp_path / "x.tar", [("a.png", b"x")])
    whole = path.read_bytes()
    path.write_bytes(pax([("comment", "x" * 5000)], tarfile.XGLTYPE) + whole)
    assert len(members(path)) == 1
    own = [pax([(f"k{j}-{i}", "") for i in range(50)], tarfile.XGLTYPE) for j in range(3)]
    path.write_bytes(b"".join(header + whole[:1024] for header in own) + whole)
    assert "more than 100 values" in refusal(path)


def test_what_tarfile_would_read_for_minutes_is_refused(tmp_path):
    path = tar(tmp_path / "x.tar", [("a.png", b"x")])
    whole = path.read_bytes()
    sparse = pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")])
    holes = raw(b"9999\n" + b"1\n1\n" * 9999, tarfile.REGTYPE)
    own = {"of a member": sparse + holes, "digits": raw(b"1" * 5000, tarfile.XHDTYPE)}
    for said, headers in own.items():
        path.write_bytes(headers + whole)
        assert said in refusal(path)


def test_two_files_put_together_are_refused(tmp_path):
    path = tar(tmp_path / "x.tar", [("a.png", b"x")])
    path.write_bytes(path.read_bytes() + path.read_bytes())
    assert "more behind its end" in refusal(path)
