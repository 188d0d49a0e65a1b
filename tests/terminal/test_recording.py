"""What cannot be written is refused before anything is measured."""

import pytest

JOB = ("robustness", "--no-track", "--device", "cpu")


GOOD = (*JOB, "--ckpt", "tiny_ac.pt", "--suite", "small.yaml", "--limit", "8")


@pytest.mark.parametrize(
    ("options", "code", "named"),
    [
        (("--json", "/proc/all.json"), 4, "/proc/all.json: No such file"),
        (("--json", "small.yaml/all.json"), 4, "small.yaml/all.json: Not a directory"),
        (("--json", "."), 2, "is a directory"),
        (("--out", "small.yaml/results"), 4, "small.yaml/results: Not a directory"),
        (("--out", "/proc/results"), 4, "/proc/results: No such file"),
        (("--tracking-uri", "ftp://me:secret@x"), 2, "--tracking-uri: must begin with sqlite:///"),
        (("--tracking-uri", "mlruns"), 2, "got mlruns"),
        (("--tracking-uri", "sqlite:////proc/x.db"), 4, "sqlite:////proc/x.db: must be a store"),
        (("--tracking-uri", "sqlite:///nosuch/x.db"), 2, "must be a file in a folder that exists"),
        (("--tracking-uri", "sqlite:///small.yaml"), 4, "file is not a database"),
        (("--tracking-uri", "http://me:secret@[x"), 2, "must be http://HOST:PORT; got http://[x"),
        (("--tracking-uri", "postgresql+psycopg2://me:secret@127.0.0.1:9/x"), 4, "refused"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(
    folder, call, monkeypatch, options, code, named
):
    measured = []
    monkeypatch.setattr("acn_eval.evaluation.ask", lambda *a, **k: measured.append(a))
    job = [a for a in GOOD if a != "--no-track" or options[0] != "--tracking-uri"]
    before = sorted(folder.rglob("*"))
    got, out, err = call(*job, *options)
    assert (got, out, measured) == (code, "", [])
    assert named in err.splitlines()[-1]
    assert "Traceback" not in err
    assert "secret" not in err
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("gate", "--baseline", "tiny_res.pt", "--junit", "small.yaml/a.xml"), "small.yaml/a.xml"),
        (("compression", "--export", "small.yaml/cut.pt"), "small.yaml/cut.pt"),
    ],
    ids=["report of a gate", "exported network"],
)
def test_so_are_the_places_of_one_command_alone(folder, refused, arguments, named):
    command = (*arguments, "--ckpt", "tiny_ac.pt", "--no-track")
    assert f"{named}: Not a directory" in refused(4, *command)
    assert not (folder / "acn-results").exists()


def test_json_that_is_there_is_written_over_and_no_place_is_left_dirty(folder, call):
    (folder / "all.json").write_text('{"old": 1}')
    assert call(*GOOD, "--json", "all.json", "--quiet")[0] == 0
    assert (folder / "all.json").read_text().startswith("{")
    assert call(*GOOD, "--json", "/dev/null", "--quiet")[0] == 0
    assert call(*GOOD, "--json", "new/folder/all.json", "--quiet")[0] == 0
    assert (folder / "new/folder/all.json").is_file()


def test_a_checkpoint_is_not_written_over_by_json(folder, refused):
    before = (folder / "tiny_ac.pt").read_bytes()
    said = refused(2, *GOOD, "--json", "tiny_ac.pt")
    assert "--json: must not replace a file that is not JSON; got tiny_ac.pt" in said
    assert (folder / "tiny_ac.pt").read_bytes() == before
