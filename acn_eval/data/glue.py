"""``glue:TASK``: tasks of GLUE in their public layouts, downloaded where there is internet."""

import os
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen
from zipfile import BadZipFile, ZipFile

import numpy as np

from acn_eval.atomic import write
from acn_eval.data.examples import Examples, Split
from acn_eval.data.sentence_files import Table, open_split, read_table, rows_of
from acn_eval.errors import DataError, suggestion

__all__ = ["GLUE", "open_glue"]

_SITE = "https://dl.fbaipublicfiles.com/glue/data/"
_SENTEVAL = "https://dl.fbaipublicfiles.com/senteval/senteval_data/"
_ZIPS = {"qnli": "QNLIv2.zip", "qqp": "QQP-clean.zip"}  # others are called as their folders
_MSR, _MSR_DEV = "msr_paraphrase_train.txt", "mrpc_dev_ids.tsv"
_MOST_BYTES = 2**28
_FAILED: tuple[type[Exception], ...] = (
    *(OSError, HTTPException, BadZipFile, zlib.error),
    *(KeyError, NotImplementedError, RuntimeError),  # of a member that is missing or strange
)
_SECONDS = 30.0
_ENTAILMENT = ("entailment", "not_entailment")
GLUE: Mapping[str, tuple[str, Table]] = {
    "sst2": ("SST-2", Table("glue:sst2", classes=("negative", "positive"))),
    "cola": (
        "CoLA",
        Table(
            "glue:cola",
            classes=("unacceptable", "acceptable"),
            columns=("source", "label", "star", "sentence"),
            brittle="a typing error or a lost word makes a sentence unacceptable",
            metrics=("matthews",),
        ),
    ),
    "mrpc": (
        "MRPC",
        Table(
            "glue:mrpc",
            ("#1 String", "#2 String"),
            label="Quality",
            classes=("not_equivalent", "equivalent"),
            metrics=("f1", "accuracy"),
        ),
    ),
    "rte": ("RTE", Table("glue:rte", ("sentence1", "sentence2"), classes=_ENTAILMENT)),
    "qnli": ("QNLI", Table("glue:qnli", ("question", "sentence"), classes=_ENTAILMENT)),
    "stsb": (
        "STS-B",
        Table("glue:stsb", ("sentence1", "sentence2"), label="score", numbers=(0, 5)),
    ),
    "qqp": (
        "QQP",
        Table(
            "glue:qqp",
            ("question1", "question2"),
            label="is_duplicate",
            classes=("not_duplicate", "duplicate"),
            gaps=True,
            metrics=("f1", "accuracy"),
        ),
    ),
}
"""By task: the folder of its zip, and what its columns mean."""


def open_glue(task: str, split: Split, root: Path, *, download: bool = True) -> Examples:
    """Return a split of a task: its dev set is test, and validation is 10 % of train by hash.

    The labels of GLUE's own test sets are secret. The root holds ``glue/SST-2/train.tsv`` and
    ``dev.tsv``, or likewise in ``GLUE``, or ``text/sst2-train.tsv`` and ``text/sst2-dev.tsv``, or
    gets the first by download. What dev has, too, is left out of train, word for word.

    Raises:
        DataError: unknown task, not there and not downloadable, or damaged.
    """
    if task not in GLUE:
        known = ", ".join(GLUE)
        raise DataError(f"glue: task must be {known}; got {task!r:.50}.{suggestion(task, GLUE)}")
    folder, table = GLUE[task]
    places = [root / "glue" / folder, root / "GLUE" / folder, root / "text"]
    needed: set[Split] = {"test"} if split == "test" else {"train", "test"}
    found = (_readers(task, place) for place in places)
    readers = next((own for own in found if needed <= own.keys()), None)
    if readers is None:
        _fetch(task, root, allowed=download)
        readers = _readers(task, places[0])
    return open_split(readers, split, table.name, key=table.name)


def _readers(task: str, place: Path) -> dict[Split, Callable[[], Examples]]:
    """Return what reads train and dev in a folder, where they are there."""
    table, prefix = GLUE[task][1], f"{task}-" if place.name == "text" else ""
    files: dict[Split, Path] = {
        "train": place / f"{prefix}train.tsv",
        "test": place / f"{prefix}dev.tsv",
    }
    if os.path.isfile(place / _MSR) and not os.path.isfile(files["train"]):
        return {s: partial(_of_msr, table, place, dev=s == "test") for s in files}
    return {s: partial(read_table, table, f) for s, f in files.items() if os.path.isfile(f)}


def _of_msr(table: Table, place: Path, *, dev: bool) -> Examples:
    """Read MRPC as Microsoft published it: a list of pairs of ids says which are GLUE's dev."""
    keys = ("#1 ID", "#2 ID")
    listed = {tuple(row.values()) for _, row in rows_of(place / _MSR_DEV, keys)}
    rows = rows_of(place / _MSR)
    wanted = [(tuple(row.get(key) for key in keys) in listed) == dev for _, row in rows]
    return read_table(table, place / _MSR).at(np.flatnonzero(wanted))


def _fetch(task: str, root: Path, *, allowed: bool) -> None:
    """Download train and dev into ``glue/`` below the root."""
    folder = GLUE[task][0]
    why = "it does not"
    try:
        if allowed:
            return _download(task, root / "glue" / folder)
    except _FAILED as exc:
        why = f"the download failed ({exc})"
    msg = f"glue:{task}: {root} must hold glue/{folder}/train.tsv and dev.tsv; {why}"
    raise DataError(f"{msg}. Give its folder as `root`, or with ACN_EVAL_DATA.", "root")


def _download(task: str, place: Path) -> None:
    if task == "mrpc":
        for name, address in ((_MSR, _SENTEVAL + _MSR), (_MSR_DEV, _SITE + _MSR_DEV)):
            write(place / name, _loaded(address))
        return
    with ZipFile(BytesIO(_loaded(_SITE + _ZIPS.get(task, f"{place.name}.zip")))) as archive:
        for name in ("dev.tsv", "train.tsv"):
            member = archive.getinfo(f"{place.name}/{name}")
            if member.file_size > _MOST_BYTES:
                raise BadZipFile(f"{name} must have at most {_MOST_BYTES} bytes")
            write(place / name, archive.read(member))


def _loaded(address: str) -> bytes:
    with urlopen(address, timeout=_SECONDS) as reply:
        content: bytes = reply.read(_MOST_BYTES + 1)
        said = reply.headers.get("Content-Length")
    if len(content) > _MOST_BYTES:
        raise OSError(f"{address} must have at most {_MOST_BYTES} bytes")
    if said not in (None, str(len(content))):  # a read of so many bytes does not notice
        raise OSError(f"{address} must have {said} bytes; {len(content)} arrived")
    return content
