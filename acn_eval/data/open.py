"""From a name to examples, and the channel moments of the known data sets."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from acn_eval.data.cifar import CIFAR, open_cifar
from acn_eval.data.digits import open_digits
from acn_eval.data.examples import Examples, Split
from acn_eval.data.folder import open_folder
from acn_eval.data.geometry import Geometry
from acn_eval.data.glue import GLUE, open_glue
from acn_eval.data.npz import open_npz
from acn_eval.data.plain_text import open_plain_text
from acn_eval.data.sentence_files import open_sentence_files
from acn_eval.data.shards import files_of_pattern, open_shards
from acn_eval.data.synthetic_sentences import SYNTHETIC, open_synthetic
from acn_eval.data.tables import open_hfds, open_parquet, without_column
from acn_eval.errors import DataError, suggestion
from acn_eval.foreign_text import is_unicode
from acn_eval.plugins import plugin
from acn_eval.reach import allowed, require_inside

__all__ = [
    "DATA",
    "DATA_ROOT",
    "KNOWN_MOMENTS",
    "channel_moments",
    "data_root",
    "find_data",
    "open_examples",
]

DATA: dict[str, str] = {
    "digits": "1,797 handwritten digits of 8 x 8 pixels, which scikit-learn embeds",
    "cifar10": "CIFAR-10 below the data root, downloaded where there is internet",
    "cifar100": "CIFAR-100, likewise, with its 100 fine classes",
    "npz:PATH": "arrays of NumPy, one file or a folder with one per split",
    "folder:PATH": "one folder of images per class, as ImageFolder, ImageNet and Tiny-ImageNet",
    "wds:PATH": "images and labels in tar shards of WebDataset, as train-{000..099}.tar",
    "parquet:PATH": "images and labels in parquet files, as Hugging Face writes them",
    "hfds:DIR": "images and labels that Hugging Face's datasets library saved or cached",
    "glue:TASK": f"sentences or pairs of GLUE, likewise downloaded: {', '.join(GLUE)}",
    "tsv:PATH": "sentences or pairs with labels, one file or a folder with one per split",
    "jsonl:PATH": "the same with one JSON object per line",
    "text:PATH": "plain text without classes, one sentence or paragraph per line, for training",
    SYNTHETIC: "5,500 short generated sentences whose class depends on the order of words",
}
"""What `open_examples` opens, by name."""
_OPENERS: dict[str, Callable[[Path, Split], Examples]] = {
    "npz": open_npz,
    "folder": open_folder,
    "wds": open_shards,
    "parquet": open_parquet,
    "hfds": open_hfds,
    "tsv": partial(open_sentence_files, scheme="tsv"),
    "jsonl": partial(open_sentence_files, scheme="jsonl"),
    "text": open_plain_text,
}
DATA_ROOT = "ACN_EVAL_DATA"
KNOWN_MOMENTS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def data_root(given: Path | None = None) -> Path:
    """Return where data sets lie: the argument, ACN_EVAL_DATA, or ``data`` in this folder."""
    return given or Path(os.environ.get(DATA_ROOT) or "data")


def open_examples(
    name: str, split: Split = "test", root: Path | None = None, *, download: bool = True
) -> Examples:
    """Return a split of a data set.

    Args:
        name: one of `DATA`, where a relative PATH is looked for here and then under the data
            root; or ``SCHEME:SPEC`` of an installed package (entry points ``acn_eval.data``).
        split: ``train``, ``validation`` or ``test``; test is for evaluation only.
        root: see `data_root`.
        download: a known data set that is missing, where there is internet.

    Raises:
        DataError: unknown name, nothing there, or damaged.

    >>> len(open_examples("digits", "test"))
    352
    """
    name = allowed("data", name)
    if not is_unicode(name):
        raise DataError(f"data: its name must be UTF-8; got {os.fsencode(name)!r}")
    scheme, _, path = name.partition(":")
    if name == "digits":
        return open_digits(split)
    if name == SYNTHETIC:
        return open_synthetic(split)
    if name in CIFAR:
        return open_cifar(name, split, data_root(root), download=download)
    if scheme == "glue" and path:
        return open_glue(path, split, data_root(root), download=download)
    if scheme in _OPENERS and path:
        place = find_data(Path(path), root)
        require_inside(without_column(place)[0])
        return replace(_OPENERS[scheme](place, split), name=name)
    if added := plugin("data", scheme):
        examples: Examples = added(path, split)
        return examples
    msg = f"data must be {', '.join(DATA)}; got {name!r}.{suggestion(name, DATA)}"
    raise DataError(msg)


def find_data(path: Path, root: Path | None) -> Path:
    """Return a path that is here or, where there is none, below the data root."""
    under_root = data_root(root) / path
    return under_root if not _is_there(path) and _is_there(under_root) else path


def _is_there(path: Path) -> bool:
    # Unlike those of Path, these say False of a name that is too long.
    forms = path, without_column(path)[0], next(files_of_pattern(path))
    return any(map(os.path.exists, forms))


def channel_moments(
    examples: Examples, geometry: Geometry
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and std per channel in [0, 1]: published ones, or measured on the examples.

    Raises:
        DataError: there are no examples, or a channel is the same everywhere.
    """
    known = KNOWN_MOMENTS.get(examples.name)
    if known and geometry.channels == 3:
        return known
    total, squares, pixels = np.zeros(geometry.channels), np.zeros(geometry.channels), 0
    for start in range(0, len(examples), 1024):
        where = np.arange(start, min(start + 1024, len(examples)))
        batch = examples.read(where, geometry).to(torch.float64) / 255
        total += batch.sum(dim=(0, 2, 3)).numpy()
        squares += batch.square().sum(dim=(0, 2, 3)).numpy()
        pixels += batch[:, 0].numel()
    mean = total / max(pixels, 1)
    std = np.sqrt(np.maximum(squares / max(pixels, 1) - mean**2, 0)).round(4)
    if not std.all():
        raise DataError(f"{examples.name}: images must differ to be normalized; got std {std}")
    return tuple(np.round(mean, 4).tolist()), tuple(std.tolist())
