"""GLUE: every task in its public layout, dev apart from train, and downloads that fail."""

import os
import re
import struct
import time
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from acn_eval.atomic import write
from acn_eval.data import open_examples
from acn_eval.data.glue import GLUE
from acn_eval.data.sentences import SentenceSpec
from acn_eval.errors import DataError
from acn_eval.statistics.metrics import METRICS
from tests.data.website import website

# Heads as in the public files; of CoLA there is none.
HEADS = {
    "sst2": "sentence\tlabel",
    "cola": "",
    "mrpc": "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String",
    "rte": "index\tsentence1\tsentence2\tlabel",
    "qnli": "index\tquestion\tsentence\tlabel",
    "qqp": "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
    "stsb": "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2"
    "\tscore",
}
LINES = {
    "sst2": "a {0} film \t{1}",
    "cola": "gj04\t{1}\t{star}\tThe {0} sleeps.",
    "mrpc": '{1}\t10{0}\t20{0}\tFirst {0} said .\tThen "{0} was told .',
    "rte": "{0}\tText {0}, which is long.\tClaim {0}.\t{name}",
    "qnli": '{0}\tWho is {0}?\tIt "is {0}.\t{name}',
    "qqp": "{0}\t1{0}\t2{0}\tHow is {0}?\tWhat is {0}?\t{1}",
    "stsb": '{0}\tmain\tMSR\t2012\t1\tnone\tnone\tA "man {0}.\tA person {0}.\t{1}.000',
}
FIRST = {
    "sst2": ("a 0 film",),
    "cola": ("The 0 sleeps.",),
    "mrpc": ("First 0 said .", 'Then "0 was told .'),
    "rte": ("Text 0, which is long.", "Claim 0."),
    "qnli": ("Who is 0?", 'It "is 0.'),
    "qqp": ("How is 0?", "What is 0?"),
    "stsb": ('A "man 0.', "A person 0."),
}


def lines_of(task, numbers):
    names = GLUE[task][1].classes or ("0", "1")
    rows = [
        LINES[task].format(i, i % 2, star="*" * (1 - i % 2), name=names[i % 2]) for i in numbers
    ]
    return "\n".join([HEADS[task]] * bool(HEADS[task]) + rows) + "\n"


def written(task, folder):
    """Forty lines of train, of which the last two are in the ten of dev."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.tsv").write_text(lines_of(task, range(40)), encoding="utf-8")
    (folder / "dev.tsv").write_text(lines_of(task, [*range(100, 108), 38, 39]), encoding="utf-8")


def texts_of(examples):
    spec = SentenceSpec(len(FIRST[examples.name.removeprefix("glue:")]))
    return examples.read(np.arange(len(examples)), spec).texts


OFFICIAL = {
    "sst2": ("accuracy",),
    "cola": ("matthews",),
    "mrpc": ("f1", "accuracy"),
    "rte": ("accuracy",),
    "qnli": ("accuracy",),
    "qqp": ("f1", "accuracy"),
    "stsb": ("pearson", "spearman"),
}
"""Metrics of gluebenchmark.com."""


@pytest.mark.parametrize("place", ["glue", "GLUE"])
@pytest.mark.parametrize("task", GLUE)
def test_public_layouts(task, place, tmp_path):
    written(task, tmp_path / place / GLUE[task][0])
    name = f"glue:{task}"
    train, validation, test = (
        open_examples(name, s, tmp_path, download=False) for s in ("train", "validation", "test")
    )
    assert sorted([*train.ids, *validation.ids]) == list(range(38))
    for part in (train, validation):
        assert part.notes == (f"{name}: left out 2 examples of train that test has, too",)
        assert np.array_equal(part.answers, part.ids % 2)
    assert test.ids.tolist() == list(range(10))
    assert test.answers.tolist() == [0, 1] * 5
    assert test.notes == ()
    assert test.classes == (GLUE[task][1].classes or ("score",))
    assert (test.targets is not None) == (task == "stsb")
    assert test.metrics == OFFICIAL[task]
    assert {*test.metrics} <= METRICS.keys()
    assert {*texts_of(train), *texts_of(validation)} > {FIRST[task]}
    assert not {*texts_of(train), *texts_of(validation)} & {*texts_of(test)}


def test_mrpc_as_microsoft_published_it(tmp_path):
    folder = tmp_path / "glue" / "MRPC"
    folder.mkdir(parents=True)
    (folder / "msr_paraphrase_train.txt").write_text(lines_of("mrpc", range(30)), encoding="utf-8")
    dev = "".join(f"10{i}\t20{i}\n" for i in (3, 7, 29))
    (folder / "mrpc_dev_ids.tsv").write_text(dev, encoding="utf-8")
    test = open_examples("glue:mrpc", "test", tmp_path)
    assert test.ids.tolist() == [3, 7, 29]
    assert test.labels.tolist() == [1, 1, 1]
    train = open_examples("glue:mrpc", "train", tmp_path)
    assert not {3, 7, 29} & set(train.ids.tolist())
    assert len(train) + len(open_examples("glue:mrpc", "validation", tmp_path)) == 27


def test_lines_of_qqp_without_all_columns_are_left_out_and_counted(tmp_path):
    written("qqp", tmp_path / "glue" / "QQP")
    broken = "77\t1\t2\tHow is\n78\t1\t2\t\tWhat?\t1\n"
    with (tmp_path / "glue" / "QQP" / "dev.tsv").open("a", encoding="utf-8") as file:
        file.write(broken)
    test = open_examples("glue:qqp", "test", tmp_path)
    assert len(test) == 10
    assert test.notes == ("glue:qqp: left out 2 lines without all columns",)


def test_equal_sentences_are_in_the_same_split(tmp_path):
    folder = tmp_path / "glue" / "SST-2"
    written("sst2", folder)
    lines = lines_of("sst2", range(200)).splitlines()
    (folder / "train.tsv").write_text("\n".join([*lines, *lines[1:]]) + "\n", encoding="utf-8")
    train, validation = (open_examples("glue:sst2", s, tmp_path) for s in ("train", "validation"))
    assert len(train) + len(validation) == 2 * (200 - 10)
    assert len(validation) > 0
    assert not {*texts_of(train)} & {*texts_of(validation)}


def zipped(*, size=None, **members):
    """A zip of RTE; `size` is what it says that every member has."""
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, text in {"train": None, "dev": None, **members}.items():
            if text != "":
                archive.writestr(f"RTE/{name}.tsv", text or lines_of("rte", range(6)))
        archive.writestr("../evil.tsv", "")
        archive.writestr("RTE/../../evil.tsv", "")
    content = buffer.getvalue()
    if size is None:
        return content
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        for place in (m.start() + at for m in re.finditer(re.escape(mark), content)):
            content = content[:place] + struct.pack("<I", size) + content[place + 4 :]
    return content


def sent(request, content, length=None):
    """Answer with this content, and perhaps another length than it has."""
    request.send_response(200)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    request.end_headers()
    request.wfile.write(content)


@pytest.fixture
def serve(monkeypatch):
    """A function from what answers to the data that is downloaded from there."""
    with ExitStack() as stack:

        def start(answer):
            address = stack.enter_context(website(answer))
            for name in ("_SITE", "_SENTEVAL"):
                monkeypatch.setattr(f"acn_eval.data.glue.{name}", address)

        yield start


def kept(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_they_are_downloaded_where_there_is_internet(tmp_path, serve):
    asked = []

    def answer(request):
        asked.append(request.path)
        sent(request, zipped())

    serve(answer)
    for split in ("test", "train", "test"):
        open_examples("glue:rte", split, tmp_path / "data")
    assert asked == ["/RTE.zip"]
    assert kept(tmp_path) == {"train.tsv", "dev.tsv"}


def test_mrpc_is_downloaded_in_two_files(tmp_path, serve):
    files = {
        "/msr_paraphrase_train.txt": lines_of("mrpc", range(9)).encode(),
        "/mrpc_dev_ids.tsv": b"103\t203\n",
    }
    serve(lambda request: sent(request, files[request.path]))
    assert open_examples("glue:mrpc", "test", tmp_path).ids.tolist() == [3]


def broken(request):
    """End in the middle of what was announced."""
    content = lines_of("mrpc", range(9)).encode()
    sent(request, content[: len(content) // 2], len(content))
    request.close_connection = True


WRONG = {
    "a page": lambda request: sent(request, b"<html>Please log in</html>"),
    "nothing": lambda request: sent(request, b""),
    "half a zip": lambda request: sent(request, zipped()[:-40]),
    "not there": lambda request: request.send_error(404),
    "an error": lambda request: request.send_error(500),
    "no answer": lambda request: request.connection.close(),
    "no HTTP": lambda request: request.wfile.write(b"220 mail ready\r\n"),
    "broken off": broken,
    "no train": lambda request: sent(request, zipped(train="")),
    "too large": lambda request: sent(request, zipped(train="x" * 9000)),
    "said to be too large": lambda request: sent(request, zipped(size=2**31)),
    "said to be smaller": lambda request: sent(request, zipped(size=5)),
    "too much": lambda request: sent(request, b"x" * 9000),
    "too slow": lambda request: time.sleep(1),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_a_download_that_fails_is_one_line_and_keeps_whole_files_alone(
    answer, tmp_path, monkeypatch, serve
):
    monkeypatch.setattr("acn_eval.data.glue._MOST_BYTES", 8000)
    monkeypatch.setattr("acn_eval.data.glue._SECONDS", 0.3)
    serve(answer)
    place = tmp_path / "data"
    said = (
        "data must hold glue/RTE/train.tsv and dev.tsv; the download failed [^\n]*ACN_EVAL_DATA.$"
    )
    for _ in range(2):
        with pytest.raises(DataError, match=f"^glue:rte: .*{said}"):
            open_examples("glue:rte", "train", place)
    assert kept(tmp_path) <= {"dev.tsv"}


def test_a_text_that_breaks_off_is_not_taken_for_a_shorter_one(tmp_path, serve):
    serve(broken)
    with pytest.raises(DataError, match=r"must have \d+ bytes; \d+ arrived"):
        open_examples("glue:mrpc", "test", tmp_path)
    assert kept(tmp_path) == set()


def test_a_redirection_to_a_file_is_not_followed(tmp_path, serve):
    (tmp_path / "secret.zip").write_bytes(zipped())

    def answer(request):
        request.send_response(302)
        request.send_header("Location", (tmp_path / "secret.zip").as_uri())
        request.end_headers()

    serve(answer)
    with pytest.raises(DataError, match="the download failed"):
        open_examples("glue:rte", "test", tmp_path / "data")


def test_what_was_interrupted_between_both_files_is_downloaded_again(tmp_path, monkeypatch, serve):
    serve(lambda request: sent(request, zipped()))
    writes = []

    def interrupted(path, content):
        writes.append(path.name)
        if len(writes) == 2:
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr("acn_eval.data.glue.write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_examples("glue:rte", "train", tmp_path)
    assert kept(tmp_path) == {"dev.tsv"}
    monkeypatch.setattr("acn_eval.data.glue.write", write)
    assert len(open_examples("glue:rte", "test", tmp_path)) == 6
    assert open_examples("glue:rte", "train", tmp_path).notes
    assert kept(tmp_path) == {"dev.tsv", "train.tsv"}


def test_without_downloads_what_is_missing_is_said(tmp_path):
    with pytest.raises(DataError, match=r"must hold .*; it does not"):
        open_examples("glue:sst2", "test", tmp_path, download=False)


def test_an_unknown_task_gets_the_known_ones():
    with pytest.raises(DataError, match=r"must be sst2, cola.*; got 'sst'. Did you mean sst2\?"):
        open_examples("glue:sst")


@pytest.mark.skipif("ACN_EVAL_DATA" not in os.environ, reason="ACN_EVAL_DATA")
@pytest.mark.parametrize(
    ("task", "sizes", "twice"), [("sst2", (67_349, 872), 0), ("cola", (8_551, 1_043), 16)]
)
def test_the_real_ones(task, sizes, twice):
    if not Path(os.environ["ACN_EVAL_DATA"], "text", f"{task}-dev.tsv").is_file():
        pytest.skip(f"ACN_EVAL_DATA has no text/{task}-dev.tsv")
    parts = [open_examples(f"glue:{task}", s) for s in ("train", "validation", "test")]
    train, validation, test = parts
    assert (len(train) + len(validation) + twice, len(test)) == sizes
    assert 0.08 < len(validation) / sizes[0] < 0.12
    apart = [set(part.hashes.tolist()) for part in parts]
    assert not apart[0] & apart[1]
    assert not apart[0] & apart[2]
    assert not apart[1] & apart[2]
    assert any(f"left out {twice} " in note for note in train.notes) == bool(twice)
