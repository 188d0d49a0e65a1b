"""``parquet:PATH`` and ``hfds:DIR``: labeled images in files of parquet or of Arrow."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from acn_eval.config_files import limited, parse_json
from acn_eval.data.arrow_rows import ArrowRows
from acn_eval.data.columns import Labels, TableImages, image_column, labels_of
from acn_eval.data.examples import Examples, Split, members
from acn_eval.data.parquet_rows import ParquetRows
from acn_eval.data.rows import UNREADABLE, Rows
from acn_eval.data.splits import Files, by_split, files_below, part_of
from acn_eval.errors import DataError
from acn_eval.foreign_text import is_unicode

__all__ = ["open_hfds", "open_parquet", "without_column"]

_MOST_BYTES = 2**24  # of a JSON file


def open_parquet(path: Path, split: Split) -> Examples:
    """Return a split of parquet files with a column of images and one of labels.

    One file is a test set, whole, and so is a folder of files none of which is called by a split.
    Otherwise the name of a file, as in ``train-00000-of-00002.parquet``, or of its folder states
    the split. A validation without test is the test split; validation is then 10 % of train by
    hash of the row. Ids are the numbers of the rows.

    The labels are the column ``label``, or the only one; others are named as ``PATH@COLUMN``.

    Raises:
        DataError: not there, not such files, or no such split.
    """
    where, (place, column) = f"parquet:{path}", without_column(path)
    parts = files_below(place, "parquet", where)
    return _examples({s: ParquetRows.of(f, where) for s, f in parts.items()}, split, column)


def open_hfds(path: Path, split: Split) -> Examples:
    """Return a split of a data set that Hugging Face's `datasets` saved or cached as Arrow files.

    Splits and the rest are as in `open_parquet`.

    Raises:
        DataError: not there, not such files, or no such split.
    """
    where, (place, column) = f"hfds:{path}", without_column(path)
    parts = _saved(place, where)
    return _examples({s: ArrowRows.of(f, where) for s, f in parts.items()}, split, column)


def without_column(path: Path) -> tuple[Path, str]:
    """Return ``PATH`` and ``COLUMN`` of ``PATH@COLUMN``; a path may have an @ of its own."""
    before, _, column = str(path).rpartition("@")
    return (Path(before), column) if before and not os.path.exists(path) else (path, "")


def _examples(parts: Mapping[Split, Rows], split: Split, column: str) -> Examples:
    have, notes = dict(parts), list[str]()
    if {"test", "validation"} <= have.keys() and (
        labels_of(have["test"], column).values < 0
    ).all():
        rows = have.pop("test")
        notes.append(f"{rows.where}: its test set has no labels; its validation set is taken")
    where = next(iter(parts.values())).where
    part = part_of(split, have, where)
    rows = have[part.split]
    found = _whole(rows, labels_of(rows, column), split, notes)
    if not part.cut:
        return found
    name = without_column(Path(where.partition(":")[2]))[0].name
    return found.at(members(found.ids, name, split, validation=0.1, test=0.0))


def _whole(rows: Rows, labels: Labels, split: Split, notes: Sequence[str]) -> Examples:
    """Return all examples that have a label."""
    ids, known = np.arange(len(labels.values)), labels.values >= 0
    if not known.any():
        raise DataError(f"{rows.where}: must have images with labels; got {len(ids)} without")
    if left_out := int((~known).sum()):
        notes = (*notes, f"{rows.where}: left out {left_out} images without a label")
    images = TableImages(rows, image_column(rows))
    whole = Examples(rows.where, split, ids, labels.values, labels.classes, images, ids)
    return replace(whole.at(ids[known]), notes=tuple(notes), named=labels.named)


def _saved(path: Path, where: str) -> Files:
    """Return the Arrow files that ``save_to_disk`` wrote, or those of a cache."""
    if os.path.isfile(path / "dataset_dict.json"):
        named = _json(path / "dataset_dict.json", "splits", where)
        known = by_split([_plain(name, where) for name in named], where)
        if not known:
            raise DataError(f"{where}: must have train, validation or test; got {named!r:.200}")
        return {split: _state(path / name, where) for split, name in known.items()}
    if os.path.isfile(path / "state.json"):
        return {"test": _state(path, where)}
    return files_below(path, "arrow", where)


def _state(folder: Path, where: str) -> list[Path]:
    data_files = _json(folder / "state.json", "_data_files", where)
    names = [f.get("filename") if isinstance(f, dict) else None for f in data_files]
    files = [folder / _plain(name, where) for name in names]
    for file in files:
        if not os.path.isfile(file):
            raise DataError(f"{where}: {file} must be a file; there is none")
    return files


def _plain(name: object, where: str) -> str:
    """Return a name if it leads to no other place."""
    given = name if isinstance(name, str) and is_unicode(name) else ""
    if not given or Path(given).name != given or given == ".." or "\0" in given:
        raise DataError(f"{where}: must name its own splits and files; got {name!r:.100}")
    return given


def _json(file: Path, key: str, where: str) -> list[object]:
    try:
        found = parse_json(limited(file, _MOST_BYTES))[key]
    except UNREADABLE as exc:
        raise DataError(f"{where}: {file} must be JSON with {key!r}; {exc}") from exc
    if not isinstance(found, list) or not found or not all(found):
        raise DataError(f"{where}: {file} must list {key!r}; got {found!r:.100}")
    return found
