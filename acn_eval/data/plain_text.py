"""``text:PATH``: plain text, one sentence or paragraph per line; for masked tokens."""

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np

from acn_eval.data.examples import Examples, Split
from acn_eval.data.sentence_files import lines_of, open_split
from acn_eval.data.sentences import LONGEST, Sentences
from acn_eval.errors import DataError

__all__ = ["joined", "open_plain_text"]

_CLASSES = ("text",)
_HEADING = re.compile(r"= .* =")
_JOINED = re.compile(r" @([-,.])@ ")  # WikiText's "0 @.@ 7"
_UNKNOWN = "<unk>", "[UNK]"  # of WikiText, and of a vocabulary


def open_plain_text(path: Path, split: Split) -> Examples:
    """Return a split of a file, or of a folder with ``train.txt`` and perhaps others.

    One file has train and validation, the lines of which are a tenth by hash. What WikiText does
    to its text is undone: headings (`` = Title = ``) are left out, `` @-@ `` is a hyphen again,
    and ``<unk>`` becomes ``[UNK]``.

    Raises:
        DataError: not there, no text, or no such split.
    """
    name = f"text:{path}"
    files: dict[Split, Path] = {s: path / f"{s}.txt" for s in get_args(Split)}
    if os.path.isfile(path):  # False, where Path.is_file raises: a name that is too long
        files = {"train": path}
    readers = {s: partial(_read, name, f) for s, f in files.items() if os.path.isfile(f)}
    if not readers:
        raise DataError(f"{name}: must be a file, or a folder with train.txt; found neither")
    return open_split(readers, split, name, key=path.name)


def _read(name: str, file: Path) -> Examples:
    texts = [(cleaned,) for where, line in lines_of(file) if (cleaned := _cleaned(line, where))]
    if not texts:
        raise DataError(f"{file}: must hold text; got none")
    return _unlabeled(name, "train", texts, range(len(texts)))


def _cleaned(line: str, where: str) -> str:
    """Return the text of a line; none of a heading."""
    text = line.strip()
    if len(text) > LONGEST:
        raise DataError(f"{where} must have at most {LONGEST} characters; got {len(text)}")
    return "" if _HEADING.fullmatch(text) else _JOINED.sub(r"\1", text).replace(*_UNKNOWN)


def joined(name: str, parts: Sequence[Examples]) -> Examples:
    """Return the sentences of several data as those of one, without their classes.

    Each sentence of a pair is an example of its own. Ids of the first data stay as they are.

    Raises:
        DataError: there are other things than sentences.
    """
    texts, ids = [], []
    for number, part in enumerate(parts):
        if not isinstance(part.inputs, Sentences):
            what = f"must hold sentences; got {part.inputs.modality}"
            raise DataError(f"{part.name}: {what}")
        for position, own in zip(part.positions.tolist(), part.ids.tolist(), strict=True):
            for side, text in enumerate(part.inputs.texts[position]):
                texts.append((text,))
                ids.append(own + (2 * number + side << 48))
    notes = tuple(note for part in parts for note in part.notes)
    return _unlabeled(name, parts[0].split, texts, ids, notes)


def _unlabeled(
    name: str,
    split: str,
    texts: Sequence[tuple[str, ...]],
    ids: Sequence[int],
    notes: tuple[str, ...] = (),
) -> Examples:
    where = np.arange(len(texts), dtype=np.int64)
    numbers = np.array(ids, np.int64)
    labels = np.zeros_like(where)
    inputs = Sentences(texts)
    return Examples(name, split, numbers, labels, _CLASSES, inputs, where, notes, named=False)
