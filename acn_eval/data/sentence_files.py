"""``tsv:PATH`` and ``jsonl:PATH``: labeled sentences or pairs, judged line by line."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from acn_eval.config_files import parse_json
from acn_eval.data.examples import Examples, Split, members, number_of
from acn_eval.data.sentences import LONGEST, Sentences
from acn_eval.errors import DataError
from acn_eval.foreign_text import is_unicode

__all__ = ["Table", "lines_of", "open_sentence_files", "open_split", "read_table", "rows_of"]

_LONGEST_LINE = 2**18  # bytes
_MOST_BYTES = 2**29
_MOST = 5_000_000  # examples of a file
_MOST_CLASSES = 1000
_SCORE = "score"
_LARGEST = 1e30  # float32 ends at 3e38
_LONGEST_LABEL = 100  # characters
_HELD_OUT: Mapping[Split, tuple[Split, ...]] = {
    "test": (),
    "validation": ("test",),
    "train": ("test", "validation"),
}
"""By split: those whose examples it must not have."""
Row = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Table:
    """What the columns of a file mean.

    Attributes:
        name: of the data, as typed.
        texts: columns of the sentences.
        second: column that makes pairs of them where the file has it.
        label: column of the class, by number or by name, or of a number.
        numbers: the smallest and the largest of them; None where there are classes.
        classes: their names; empty where the file decides.
        columns: all of them, of a file that does not name them in its first line.
        gaps: whether lines without all columns are left out and counted, not refused.
        brittle, metrics: see `Examples`.
    """

    name: str
    texts: tuple[str, ...] = ("sentence",)
    second: str = ""
    label: str = "label"
    numbers: tuple[float, float] | None = None
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    gaps: bool = False
    brittle: str = ""
    metrics: tuple[str, ...] = ("accuracy",)


def open_sentence_files(path: Path, split: Split, scheme: str) -> Examples:
    """Return a split of a file, or of a folder with one file per split.

    One file is a test set, whole. A folder has ``train.tsv`` and ``test.tsv`` (or ``.jsonl``), and
    ``validation.tsv`` or 10 % of train by hash of the text. Columns: ``sentence``, ``label`` (or
    ``score`` of numbers), and ``sentence2`` for pairs. An example that test has, too, is left out
    of the others.

    Raises:
        DataError: not there, not such a file, or no such split.
    """
    table = Table(f"{scheme}:{path}", second="sentence2")
    files: dict[Split, Path] = {s: path / f"{s}.{scheme}" for s in get_args(Split)}
    if os.path.isfile(path):  # False, where Path.is_file raises: a name that is too long
        files = {"test": path}
    readers = {s: partial(read_table, table, f) for s, f in files.items() if os.path.isfile(f)}
    if not readers:
        msg = f"must be a file, or a folder with train.{scheme} and test.{scheme}"
        raise DataError(f"{table.name}: {msg}; found neither")
    return open_split(readers, split, table.name, key=path.name)


def open_split(
    readers: Mapping[Split, Callable[[], Examples]], split: Split, name: str, *, key: str
) -> Examples:
    """Return a split of what has some; `key` is hashed where validation is cut from train.

    Raises:
        DataError: there is no such split.
    """
    own: Split = "train" if split == "validation" and split not in readers else split
    if own not in readers:
        what = f"must have a file of {own}, in a folder with one per split"
        raise DataError(f"{name}: {what}; got {', '.join(readers)} alone")
    whole = replace(readers[own](), split=split)
    for other in _HELD_OUT[own]:
        if other in readers:
            whole = _without(whole, readers[other](), f"{own} that {other} has, too")
    if own != "train" or "validation" in readers:
        return whole
    return whole.at(members(whole.hashes, key, split, validation=0.1, test=0.0))


def _without(examples: Examples, held: Examples, which: str) -> Examples:
    """Leave out what is held out as well, word for word; a note says how many."""
    apart = ~np.isin(examples.hashes, held.hashes)
    if apart.all():
        return examples
    note = f"{examples.name}: left out {np.count_nonzero(~apart)} examples of {which}"
    return replace(examples.at(np.flatnonzero(apart)), notes=(*examples.notes, note))


def read_table(table: Table, file: Path) -> Examples:
    """Return the examples of a file, called a test set; an id is the place in the file.

    Raises:
        DataError: it is no such table; names the line.
    """
    texts: list[tuple[str, ...]] = []
    answers: list[Any] = []
    columns: tuple[str, ...] = ()
    gaps = 0
    for where, row in rows_of(file, table.columns, ragged=table.gaps):
        if not columns:
            table = _fitting(table, row)
            columns = _columns(table, row, where)
        if table.second and table.second in row.keys() - {*columns}:
            raise DataError(f"{where}: must have no {table.second}, as the lines before it")
        if table.gaps and not all(row.get(c, "").strip() for c in (*columns, table.label)):
            gaps += 1
            continue
        texts.append(tuple(_text(row, column, where) for column in columns))
        answers.append((_number if table.numbers else _label)(row, table, where))
    if not texts:
        raise DataError(f"{file}: must hold examples; got none")
    notes = (f"{table.name}: left out {gaps} lines without all columns",) * bool(gaps)
    ids, inputs = np.arange(len(texts), dtype=np.int64), Sentences(texts)
    bare = Examples(table.name, "test", ids, 0 * ids, (table.label,), inputs, ids, notes)
    if table.numbers:
        targets = np.array(answers, np.float32)
        return replace(bare, targets=targets, metrics=("pearson", "spearman"))
    classes, labels, named = _numbered(answers, table, file)
    whole = replace(bare, classes=classes, labels=labels, named=named)
    return replace(whole, brittle=table.brittle, metrics=table.metrics)


def _fitting(table: Table, row: Mapping[str, Any]) -> Table:
    """Return the table of a user's file, which may state numbers in place of classes."""
    if table.classes or table.label in row or _SCORE not in row:
        return table
    return replace(table, label=_SCORE, numbers=(-_LARGEST, _LARGEST))


def _columns(table: Table, row: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the columns of the sentences, which the first row has."""
    paired = table.second and table.second in row
    columns = (*table.texts, *((table.second,) if paired else ()))
    if not {*columns, table.label} <= row.keys():
        want = ", ".join((*columns, table.label))
        got = ", ".join(list(row)[:20])
        raise DataError(f"{where}: columns must include {want}; got {got}")
    return columns


def _text(row: Mapping[str, Any], column: str, where: str) -> str:
    text = row.get(column)
    if not isinstance(text, str) or not is_unicode(text):
        raise DataError(f"{where}: {column} must be Unicode text; got {text!r:.50}")
    if not text.strip() or len(text) > LONGEST:
        got = f"{len(text)} characters" if text.strip() else "none"
        raise DataError(f"{where}: {column} must have 1 to {LONGEST} characters; got {got}")
    return text.strip()


def _label(row: Mapping[str, Any], table: Table, where: str) -> str:
    value = row.get(table.label)
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).strip():
        what = "must be the number or the name of a class"
        raise DataError(f"{where}: {table.label} {what}; got {value!r:.50}")
    label = str(value).strip()
    if len(label) > _LONGEST_LABEL or not is_unicode(label):
        what = f"must be Unicode text of at most {_LONGEST_LABEL} characters"
        raise DataError(f"{where}: {table.label} {what}; got {label!r:.50}")
    if (
        table.classes
        and label not in table.classes
        and number_of(label) not in range(len(table.classes))
    ):
        known = ", ".join(f"{i} ({name})" for i, name in enumerate(table.classes))
        raise DataError(f"{where}: {table.label} must be {known}; got {label:.50}")
    return label


def _number(row: Mapping[str, Any], table: Table, where: str) -> float:
    value, (low, high) = row.get(table.label), table.numbers or (0, 0)
    with suppress(TypeError, ValueError, OverflowError):
        if not isinstance(value, bool) and low <= (number := float(str(value))) <= high:
            return number
    what = f"{table.label} must be a number from {low:g} to {high:g}"
    raise DataError(f"{where}: {what}; got {value!r:.50}")


def _numbered(
    labels: Sequence[str], table: Table, file: Path
) -> tuple[tuple[str, ...], NDArray[np.int64], bool]:
    """Return classes, the number of each label, and whether the classes have names."""
    different = sorted(set(labels))
    numbers = {label: number_of(label) for label in different}
    named = bool(table.classes) or None in numbers.values()
    names = table.classes or different
    counted = range(1 + max(filter(None, numbers.values()), default=0))
    if (many := len(names if named else counted)) > _MOST_CLASSES:
        what = f"labels must be of at most {_MOST_CLASSES} classes"
        raise DataError(f"{file}: {what}; got {many}")
    classes = tuple(names if named else map(str, counted))
    position = {name: i for i, name in enumerate(classes)}
    each = {label: position.get(label, numbers[label]) for label in different}
    return classes, np.array([each[label] for label in labels], np.int64), named


def rows_of(file: Path, columns: tuple[str, ...] = (), *, ragged: bool = False) -> Iterator[Row]:
    """Yield where a row stands, e.g. ``a.tsv: line 2``, and its cells by column.

    A ``.jsonl`` has one object per line. Every other file has cells with tabs between them and no
    quotes; its first line names the columns, unless it has as many cells as `columns` and none of
    their names.

    Args:
        file: UTF-8, with or without a byte-order mark.
        columns: of a file that may not name them.
        ragged: take lines with fewer or more cells, too.

    Raises:
        DataError: not readable, no UTF-8, a NUL, a long line, or another number of cells.
    """
    lines = lines_of(file)
    if file.suffix == ".jsonl":
        yield from ((where, _object(line, where)) for where, line in lines)
        return
    names: Sequence[str] = ()
    for where, line in lines:
        cells = line.split("\t")
        if not names:
            headless = len(cells) == len(columns) and not set(cells) & set(columns)
            names = columns if headless else cells
            if twice := [name for name, n in Counter(names).items() if name and n > 1]:
                raise DataError(f"{where} must name each column once; got {twice[0]:.50} again")
            if not headless:
                continue
        if len(cells) != len(names) and not ragged:
            raise DataError(f"{where} must have {len(names)} columns; got {len(cells)}")
        yield where, dict(zip(names, cells, strict=False))


def lines_of(file: Path) -> Iterator[tuple[str, str]]:
    """Yield where a line stands, and its text; blank ones are left out."""
    try:
        with file.open("rb") as stream:
            if (size := os.fstat(stream.fileno()).st_size) > _MOST_BYTES:
                raise DataError(f"{file}: must have at most {_MOST_BYTES} bytes; got {size}")
            for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b""), 1):
                where = f"{file}: line {number}"
                if len(line) == _LONGEST_LINE or number > _MOST:
                    most = f"{_MOST} lines of less than {_LONGEST_LINE} bytes"
                    raise DataError(f"{where} is too much; a file must have at most {most}")
                if b"\0" in line:
                    raise DataError(f"{where} must be text; got a NUL")
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                if text.strip():
                    yield where, text
    except UnicodeDecodeError as exc:
        raise DataError(f"{where} must be UTF-8; {exc.reason}") from exc
    except OSError as exc:
        raise DataError(f"{file}: must be readable; {exc.strerror}") from exc


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        found = parse_json(line.encode())
    except ValueError as exc:
        raise DataError(f"{where} must be JSON; {exc}") from exc
    if not isinstance(found, dict):
        raise DataError(f"{where} must be an object with columns; got {line:.50}")
    return found
